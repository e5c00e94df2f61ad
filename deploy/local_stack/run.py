"""``make run``: stack and services in the foreground, with data that stays."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.distributions.cache import REPOSITORY, Cache
from local_stack.errors import PortTakenError, StackError
from local_stack.ports import is_free
from local_stack.services import ServiceOptions, Services, running_services
from local_stack.signals import StopSignal
from local_stack.stack import Stack

_FOLDER = REPOSITORY / ".local" / "run"
_LISTS = REPOSITORY / "lists"
"""CSV files to send to; apart from the data of database and broker."""

_CHECK_SECONDS = 0.5


def run(port: int, senders: int) -> None:
    """Run until Ctrl-C or SIGTERM.

    Raises:
        PortTakenError: another program listens on the port.
        ProcessDiedError: a service ended again soon after its start.
        StackError: something did not start.
    """
    if not is_free(port):
        raise PortTakenError(
            f"port {port} is taken by another program; choose another one: PORT={port + 1} make run"
        )
    stop = StopSignal()
    _LISTS.mkdir(mode=0o700, exist_ok=True)
    options = ServiceOptions(port=port, senders=senders, csv_root=_LISTS)
    with (
        _only_one(_FOLDER),
        Stack(_FOLDER, Cache.from_environment(), keep=True, private=True) as stack,
        running_services(stack.addresses, options) as services,
    ):
        _announce(stack, services, options)
        while not stop.wait(_CHECK_SECONDS):
            for what in stack.revive() + services.revive():
                print(f"{what}, started again", flush=True)
        print("\nstopping ...", flush=True)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"'make run' is already running in {folder}") from None
        yield


def _announce(stack: Stack, services: Services, options: ServiceOptions) -> None:
    lines = {
        "API": f"http://localhost:{options.port}",
        "CSV files from": options.csv_root,
        "senders": options.senders,
        "database": f"127.0.0.1:{stack.database.port} (its password is in the configuration)",
        "Kafka": stack.kafka.brokers,
        "configuration": services.configuration,
        "logs": services.logs,
    }
    for name, value in lines.items():
        print(f"{name + ':':<16}{value}")
    if services.key_file is not None:
        # This system does not tell the API whose programs ask.
        print(
            f'an API key is needed: curl -H "Authorization: Bearer $(cat {services.key_file})"'
            f" http://localhost:{options.port}/v1/campaigns"
        )
    print("Ctrl-C stops everything; the data stays for the next run.", flush=True)
