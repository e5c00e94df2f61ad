"""The one statement before a send, on real servers: what it says, and when it says nothing."""

from collections.abc import Iterator

import pymysql
import pytest

from campaign_common.database import Cursor, Proof
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import MessageKey
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.errors import DatabaseDemoted
from campaign_common.store.messages.send_view import SendView, Wanted, read_view
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_common.store.shards.shard_commands import request_erasure, request_settlement
from tests.integration.sender.scene import SHARDS, Scene
from tests.unit.sender.messages import CAMPAIGN, EPOCH

TOPIC = "Sync-Msg-T"
EVERYTHING = Wanted(range(SHARDS), (CAMPAIGN,), TOPIC, claims=True)


def read(scene: Scene, wanted: Wanted = EVERYTHING) -> SendView:
    with scene.database.reading(proof=Proof.IN_THE_BLOCK) as cursor:
        return read_view(cursor, wanted)


@pytest.fixture
def root(scene: Scene) -> Iterator[Cursor]:
    dsn = scene.database.settings.dsn
    with (
        pymysql.connect(host=dsn.host, port=dsn.port, user=dsn.user) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def test_a_view_holds_everything_that_a_send_rests_on(scene: Scene) -> None:
    """Campaign, map, owners, orders and erasures come with one statement."""

    def change(cursor: Cursor) -> None:
        insert_first_map(cursor, TOPIC, TopicDescription("topic-id", SHARDS))
        request_erasure(cursor, CAMPAIGN, {1: [7, 9]})
        request_settlement(cursor, CAMPAIGN, 1)

    scene.change(change)
    view = read(scene)
    version = view.versions[CAMPAIGN]
    assert (version.state, version.epoch, version.expires_in) == (
        CampaignState.RUNNING,
        EPOCH,
        None,
    )
    assert view.map_version == 1
    assert view.owners == {
        owned.shard: (owned.epoch, owned.owner_token) for owned in scene.buffer.shards()
    }
    assert set(view.owner_names) == set(view.owners)
    assert view.requested == {0, 1}
    assert view.erased == {MessageKey(CAMPAIGN, 7), MessageKey(CAMPAIGN, 9)}


def test_parts_that_another_server_has_are_left_out(scene: Scene) -> None:
    view = read(scene, EVERYTHING._replace(campaigns=None))
    assert (view.versions, view.map_version) == ({}, 0)
    view = read(scene, Wanted((), (), TOPIC, claims=False))
    assert (view.versions, view.owners, view.erased) == ({}, {}, frozenset())


def test_a_server_that_is_read_only_gives_no_view(scene: Scene, root: Cursor) -> None:
    """Not to root either, who may write on it: the variable says that it was demoted."""
    root.execute("SET GLOBAL read_only = 1")
    try:
        with pytest.raises(DatabaseDemoted, match="read_only"):
            read(scene)
    finally:
        root.execute("SET GLOBAL read_only = 0")
    assert read(scene).owners


def test_a_server_whose_writes_are_locked_gives_no_view(scene: Scene, root: Cursor) -> None:
    """FLUSH TABLES WITH READ LOCK, with which some switch-overs begin, stops sends too."""
    with scene.database.reading() as cursor:
        cursor.execute("SET SESSION lock_wait_timeout = 1")
        root.execute("FLUSH TABLES WITH READ LOCK")
        try:
            with pytest.raises(pymysql.err.OperationalError, match="Lock wait timeout"):
                read_view(cursor, EVERYTHING)
        finally:
            root.execute("UNLOCK TABLES")
