"""The worker: what it leaves as it is, and that a connection ends nothing but itself."""

import socket
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import gevent
import pytest
from gunicorn.http.errors import InvalidRequestLine
from gunicorn.workers.base_async import AsyncWorker

from campaign_api.serving.connections import Connections, NoRoom
from campaign_api.serving.worker import ApiWorker

UNPATCHED = """
    import sys
    import campaign_api.main
    from campaign_api.serving.worker import ApiWorker
    from gevent import monkey

    worker = object.__new__(ApiWorker)
    worker.sockets = []
    worker.patch()
    modules = ("socket", "ssl", "threading", "_thread", "time", "select", "queue", "os", "signal")
    print([name for name in modules if monkey.is_module_patched(name)], end=" ")
    print("confluent_kafka" in sys.modules)
"""


def test_nothing_is_patched_and_no_kafka_client_is_there() -> None:
    """Threads, locks and sockets of the application are Python's own, in every import's order."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UNPATCHED)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "[] False\n"


@pytest.mark.parametrize(
    "failure",
    [
        KeyError("gone"),
        OSError(9, "bad file"),
        TimeoutError("late"),
        NoRoom(),
        InvalidRequestLine("none"),
        AssertionError(),
        gevent.GreenletExit(),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_failure_ends_one_connection(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised for a connection: it is closed and forgotten, and nothing is passed on."""

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(AsyncWorker, "handle", fail)
    worker = object.__new__(ApiWorker)
    worker._connections = connections = Connections(most=2)
    worker._silence = 1.0
    ours, theirs = socket.socketpair()
    with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        theirs.settimeout(5)
        worker.handle(listener, SimpleNamespace(detach=ours.detach), ("127.0.0.1", 1))
        assert not len(connections)
        answer = theirs.recv(65_536)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
