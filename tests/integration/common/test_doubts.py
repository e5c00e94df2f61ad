"""Look-up of doubts: the same rows by whichever statement they are read."""

from collections.abc import Iterator, Sequence
from time import time_ns

import pytest

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.messages.possibly_sent import (
    MOST_NEAR,
    note_lost_commits,
    note_possibly_sent,
    possibly_sent_without_outcome,
    read_doubts,
    read_possibly_sent,
)
from tests.support.servers.schemas import make_current

FEW, MANY, NONE = CampaignId(1), CampaignId(2), CampaignId(3)
EVERY_THIRD = range(1_000, 4_000, 3)
FIVE_MINUTES = 300_000_000


@pytest.fixture
def database_of_doubts(database: str) -> Iterator[Database]:
    """Holds few doubts of one campaign, of two generations, and many of another one."""
    opened = Database(MysqlSettings(dsn=parse_dsn(database)))
    make_current(opened, 1)
    few = [ClaimedMessage(FEW, seq, seq % 2, 1, f"p{seq % 3}") for seq in range(2_000, 2_010)]
    many = [ClaimedMessage(MANY, seq, 0, 1, "main") for seq in EVERY_THIRD]
    assert len(many) > MOST_NEAR
    with opened.transaction() as cursor:
        note_possibly_sent(cursor, 0, [*few, *many])
    yield opened
    opened.close()


def expected_of(campaign_id: CampaignId, seqs: Sequence[int]) -> dict[tuple[int, int], str]:
    if campaign_id == FEW:
        return {(n, n % 2): f"p{n % 3}" for n in seqs if 2_000 <= n < 2_010}
    return {(n, 0): "main" for n in seqs if campaign_id == MANY and n in EVERY_THIRD}


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_every_way_of_reading_finds_the_same(database_of_doubts: Database) -> None:
    """By campaign: a range without rows, with few, and with more than are read as a range."""
    batches = {
        "before": range(1, 1_000),
        "after": range(5_000, 9_000),
        "dense": range(1_500, 2_500),
        "sparse": range(7, 9_000, 101),
        "one": [2_004],
    }
    with database_of_doubts.reading() as cursor:
        for name, seqs in batches.items():
            expected = {one: expected_of(one, seqs) for one in (FEW, MANY, NONE)}
            doubts, now = read_doubts(cursor, dict.fromkeys(expected, seqs))
            assert doubts == {
                (campaign_id, *key): {provider: 1}
                for campaign_id, found in expected.items()
                for key, provider in found.items()
            }, name
            for campaign_id, found in expected.items():
                assert read_possibly_sent(cursor, campaign_id, seqs) == found, name
            assert abs(now - time_ns() // 1_000) < FIVE_MINUTES
        assert read_doubts(cursor, {}).doubts == {}


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_a_message_without_outcome_is_found_once(database_of_doubts: Database) -> None:
    """In the latest of the tries that are noted; the one of lost commits counts as the first."""
    noted = [ClaimedMessage(NONE, 1, 0, number, f"p{number}") for number in (2, 1)]
    lost = [ClaimedMessage(NONE, seq, 0, 3) for seq in (1, 2)]
    with database_of_doubts.transaction() as cursor:
        note_possibly_sent(cursor, 0, noted)
        note_lost_commits(cursor, 0, lost)
        assert possibly_sent_without_outcome(cursor, 0, NONE, 9) == [
            ClaimedMessage(NONE, 1, 0, 2, "p2"),
            ClaimedMessage(NONE, 2, 0, 1),
        ]
        doubts = read_doubts(cursor, {NONE: [1, 2]}).doubts
    assert doubts == {(NONE, 1, 0): {None: 0, "p1": 1, "p2": 2}, (NONE, 2, 0): {None: 0}}
