"""Receipts and messages while the API and the database are killed: what got a 200 is stored."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from local_stack.distributions.cache import Cache
from local_stack.servers.database import DatabaseServer
from tests.e2e.callbacks.gateways import Callback, Sent, inbound_kannel, kannel
from tests.e2e.callbacks.scene import CallbackScene, callback_scene
from tests.support.servers.databases import fresh_schema, small_server
from tests.support.servers.running import running
from tests.support.waiting import wait_until

RECEIPTS = 5_000
GATEWAYS = 16
"""Connections of the gateway."""

ONE_IN = 10
"""Reports after which a person writes something."""

PAUSE = 0.05
"""Seconds after which a gateway repeats what got no 200."""

WORKERS_KILLED_AT = (0.1, 0.3, 0.7)
"""Shares of all receipts after which both processes of the API are killed."""


@pytest.fixture(scope="module")
def server(servers_folder: Path, cache: Cache) -> Iterator[DatabaseServer]:
    """A server of its own: it is killed."""
    server = small_server(servers_folder / "killed", "mariadb", cache)
    with running(server):
        yield server


@pytest.fixture
def scene(tmp_path: Path, server: DatabaseServer) -> Iterator[CallbackScene]:
    with (
        fresh_schema(server.dsn) as dsn,
        callback_scene(tmp_path, dsn, people=2 * RECEIPTS) as scene,
    ):
        yield scene


def written_beside(sent: Sent) -> str:
    """Return the id of what a person writes when a message is reported."""
    return f"mo{sent.seq}"


class Gateway:
    """Reports each message, and what people write, until it has a 200; by several connections."""

    def __init__(self, url: str, sent: Sequence[Sent]) -> None:
        self._url = url
        self._sent = sent
        self.acknowledged: set[tuple[int, int]] = set()
        self.taken: set[str] = set()
        """Ids of messages of people that got a 200."""
        self.statuses: set[int] = set()
        self.broken = 0
        self._pool = ThreadPoolExecutor(GATEWAYS)
        self._done = [self._pool.submit(self._report, sent[n::GATEWAYS]) for n in range(GATEWAYS)]

    def finish(self) -> None:
        for each in self._done:
            each.result(120)
        self._pool.shutdown()

    def _report(self, sent: Sequence[Sent]) -> None:
        connection = HTTPConnection(urlsplit(self._url).netloc, timeout=60)
        for place, one in enumerate(sent):
            self._repeat(connection, kannel(one))
            self.acknowledged.add((one.campaign, one.seq))
            if place % ONE_IN == 0:
                self._repeat(connection, inbound_kannel(id=written_beside(one)))
                self.taken.add(written_beside(one))
        connection.close()

    def _repeat(self, connection: HTTPConnection, callback: Callback) -> None:
        while not self._is_taken(connection, callback):
            connection.close()
            time.sleep(PAUSE)

    def _is_taken(self, connection: HTTPConnection, callback: Callback) -> bool:
        try:
            connection.request(callback.method, callback.path)
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            self.broken += 1
            return False
        self.statuses.add(response.status)
        return response.status == HTTPStatus.OK


def test_nothing_acknowledged_is_lost_by_kills(
    scene: CallbackScene, server: DatabaseServer
) -> None:
    sent = scene.sent[:RECEIPTS]
    assert len(sent) >= RECEIPTS * 9 // 10
    gateway = Gateway(scene.api.url, sent)
    for share in WORKERS_KILLED_AT[:2]:
        _kill_workers_at(scene, gateway, share)
    wait_until(lambda: len(gateway.acknowledged) >= len(sent) // 2)
    server.kill()
    acknowledged, taken = set(gateway.acknowledged), set(gateway.taken)
    wait_until(lambda: 503 in gateway.statuses)
    server.restart()
    assert acknowledged <= set(scene.stored()), "a 200 was sent for what is not stored"
    assert taken <= set(scene.inbound()), "a 200 was sent for a message that is not stored"
    _kill_workers_at(scene, gateway, WORKERS_KILLED_AT[2])
    gateway.finish()
    assert gateway.statuses == {200, 503}
    assert gateway.broken, "no connection was lost: no worker was killed while it answered"
    delivered = ReceiptRank.DELIVERED
    assert scene.stored() == {(one.campaign, one.seq): delivered for one in sent}
    assert scene.counted() == {delivered: len(sent)}
    assert scene.inbound() == sorted(gateway.taken), "a message is missing, or there twice"
    assert len(gateway.taken) >= len(sent) // ONE_IN


def test_receipts_wait_at_the_gateway_for_the_database(
    scene: CallbackScene, server: DatabaseServer
) -> None:
    """503 with Retry-After while it is away, and 200 afterwards; the API stays ready to say so."""
    sent = scene.sent[0]
    assert kannel(sent, "8").send(scene.api.url).status_code == 200
    server.kill()
    try:
        answer = kannel(sent).send(scene.api.url)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert inbound_kannel().send(scene.api.url).status_code == 503
        assert kannel(sent, m="a" * 36).send(scene.api.url).status_code == 403
    finally:
        server.restart()
    assert scene.stored() == {(sent.campaign, sent.seq): ReceiptRank.ACCEPTED}
    wait_until(lambda: kannel(sent).send(scene.api.url).status_code == 200)
    for _ in "12":
        assert inbound_kannel(id="mo1").send(scene.api.url).status_code == 200
    assert scene.inbound() == ["mo1"]
    assert scene.stored() == {(sent.campaign, sent.seq): ReceiptRank.DELIVERED}


def _kill_workers_at(scene: CallbackScene, gateway: Gateway, share: float) -> None:
    wait_until(lambda: len(gateway.acknowledged) >= RECEIPTS * share, interval=0.002)
    for worker in scene.api.workers():
        with suppress(psutil.NoSuchProcess):
            worker.kill()
