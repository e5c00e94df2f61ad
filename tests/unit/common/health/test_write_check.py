"""Servers are asked now and then whether they take writes, and the answer holds between."""

from collections.abc import Sequence
from typing import cast

import pytest

from campaign_common.database import Database, Databases
from campaign_common.errors import (
    DatabaseContended,
    DatabaseUnavailable,
    RetryLater,
    StatementRefused,
    WritesRefused,
)
from campaign_common.health import write_check
from campaign_common.health.write_check import AGAIN_AFTER, VALID_FOR, WriteCheck


class Server:
    def __init__(self, name: str) -> None:
        self.name = name
        self.says: RetryLater | None = None
        self.asked = 0


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, servers: int) -> None:
        self.now = 0.0
        self.servers = [Server(f"server{n}") for n in range(servers)]
        databases = tuple(cast("Database", server) for server in self.servers)
        holders = {1: 1} if servers > 1 else {}
        monkeypatch.setattr(write_check, "require_writes", self.answer)
        self.check = WriteCheck(Databases(databases, holders), 2, clock=lambda: self.now)

    def answer(self, database: Database, _: Sequence[int]) -> None:
        server = cast("Server", database)
        server.asked += 1
        if server.says is not None:
            raise server.says


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch, 1)


def test_a_server_that_takes_writes_is_asked_seldom(scene: Scene) -> None:
    for _ in range(10):
        scene.check.require()
    assert scene.servers[0].asked == 1
    scene.now = VALID_FOR
    scene.check.require()
    assert scene.servers[0].asked == 2


def test_a_refusal_holds_for_a_moment_and_ends(scene: Scene) -> None:
    (server,) = scene.servers
    server.says = WritesRefused("the database user lacks rights: GRANT")
    for _ in range(10):
        with pytest.raises(WritesRefused, match="GRANT"):
            scene.check.require()
    assert server.asked == 1
    server.says = None
    scene.now = AGAIN_AFTER
    scene.check.require()


@pytest.mark.parametrize(
    ("place", "says", "raised"),
    [
        (0, DatabaseUnavailable("away"), DatabaseUnavailable),
        (0, StatementRefused("error 9999"), StatementRefused),
        (0, DatabaseContended("a migration holds a table"), None),
        (1, DatabaseUnavailable("away"), None),
        (1, WritesRefused("read-only"), WritesRefused),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else type(value).__name__,
)
def test_one_of_two_servers_has_trouble(
    monkeypatch: pytest.MonkeyPatch, place: int, says: RetryLater, raised: type[RetryLater] | None
) -> None:
    scene = Scene(monkeypatch, 2)
    scene.servers[place].says = says
    if raised is None:
        scene.check.require()
        return
    with pytest.raises(raised):
        scene.check.require()


def test_of_two_servers_the_one_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 2)
    scene.servers[1].says = WritesRefused("read-only")
    with pytest.raises(WritesRefused, match="server1: read-only"):
        scene.check.require()
