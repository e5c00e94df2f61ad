"""Ids of a provider without references are recorded with the outcomes of its messages."""

import pytest

from campaign_common.domain.receipts.identified_receipt import hash_of_id
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.recording.recorded_ids import RecordedIds
from tests.integration.sender.ordering import answer
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN

NAMED = "collected"


@pytest.fixture
def found_by_id(scene: Scene) -> Scene:
    """A scene whose messages 1 and 2, of two shards, are at a provider without references."""
    scene.recorder._policy.ids = RecordedIds({NAMED})
    scene.cycle()
    return scene


def ids(scene: Scene) -> list[tuple[object, ...]]:
    with scene.database.reading() as cursor:
        cursor.execute(
            "SELECT id_hash, campaign_id, seq, shard, generation FROM provider_ids ORDER BY seq"
        )
        return list(cursor.fetchall())


def expected(seq: int, shard: int) -> tuple[object, ...]:
    return hash_of_id(NAMED, "id"), CAMPAIGN, seq, shard, 0


def test_an_id_is_recorded_in_the_same_transaction(found_by_id: Scene) -> None:
    found_by_id.database.faults = ["answer lost, rolled back"]
    found_by_id.answer(*found_by_id.provider.submitted)
    found_by_id.cycle()
    assert (ids(found_by_id), found_by_id.recorded()) == ([], {})
    for _ in range(3):
        found_by_id.cycle()
    assert sorted(found_by_id.recorded()) == [1, 2]
    assert ids(found_by_id) == [expected(1, 0), expected(2, 1)]


def test_a_result_that_came_too_late_has_its_id_too(found_by_id: Scene) -> None:
    (first,) = [m for m in found_by_id.provider.submitted if m.record.seq == 1]
    found_by_id.lose_to_another(0)
    found_by_id.answer(first)
    found_by_id.cycle()
    assert ids(found_by_id) == [expected(1, 0)]


def test_what_has_no_id_and_other_providers_write_nothing(found_by_id: Scene) -> None:
    first, second = found_by_id.provider.submitted
    answer(found_by_id, SendStatus.AMBIGUOUS, first)
    second.provider = "other"
    found_by_id.buffer.add_results([SendResult(second, SendStatus.ACCEPTED, "id")])
    found_by_id.cycle()
    assert len(found_by_id.recorded()) == 2
    assert ids(found_by_id) == []
