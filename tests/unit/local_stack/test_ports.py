import fcntl
import socket
from pathlib import Path

import pytest

from local_stack import ports
from local_stack.ports import free_port, is_free


def test_a_port_that_listens_everywhere_is_taken() -> None:
    """A listening port is taken also when it listens everywhere."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104
        listener.listen()
        assert not is_free(listener.getsockname()[1])


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_a_port_given_to_one_process_is_given_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "_LAST_PORT", ports._FIRST_PORT + 4)
    first = free_port()
    (lock,) = tmp_path.glob("*/*")
    assert lock.name == str(first)
    with lock.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    others = [free_port() for _ in range(3)]
    assert len({first, *others}) == 4
