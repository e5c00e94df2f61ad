"""Free ports on 127.0.0.1."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the ranges from which Linux (32768) and macOS (49152) take the local ports of outgoing
# connections: while a killed server is down, no connection is given its port by chance.
_FIRST_PORT, _LAST_PORT = 20000, 32000
_ATTEMPTS = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket() as caller:
        # macOS lets an address be bound that another server already covers with 0.0.0.0.
        if caller.connect_ex((host, port)) == 0:
            return False
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that still linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a free port, reserved for this process as long as it lives.

    Raises:
        OSError: none was found.
    """
    for _ in range(_ATTEMPTS):
        port = random.randint(_FIRST_PORT, _LAST_PORT)  # noqa: S311  (not a secret)
        if is_free(port) and _reserve(port):
            return port
    raise OSError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")


def _reserve(port: int) -> bool:
    """Reserve a port, so that no other process chooses it before this one uses it."""
    folder = Path(tempfile.gettempdir()) / f"camp-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Never closed: the system releases the lock with the process, also with a killed one.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True
