from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.message import Message
from tests.unit.sender.messages import message, owned_shard


def buffer_with(*messages: Message, in_flight: int = 100, batch_size: int = 10) -> InFlightBuffer:
    buffer = InFlightBuffer(in_flight=in_flight, batch_size=batch_size)
    owned = owned_shard()
    buffer.add_shard(owned)
    buffer.track(owned, [m.offset for m in messages])
    buffer.advance_to(0, messages[-1].offset + 1 if messages else 0)
    buffer.admit(messages, [], [])
    return buffer


def claim_all(buffer: InFlightBuffer) -> list[Message]:
    batch = buffer.take_batch()
    buffer.apply_commit([], batch.claims)
    return batch.claims


def record(buffer: InFlightBuffer, *messages: Message) -> None:
    buffer.add_results([SendResult(m, SendStatus.ACCEPTED) for m in messages])
    batch = buffer.take_batch()
    buffer.apply_commit(batch.results, batch.claims)


def write_offset(buffer: InFlightBuffer) -> None:
    """Do what the recorder's transaction does for a shard that has moved."""
    owned = buffer.owned(0)
    assert owned is not None
    owned.recorded_offset = owned.offsets.committable


def lose_shard(buffer: InFlightBuffer) -> None:
    owned = buffer.owned(0)
    assert owned is not None
    buffer.drop_shard(owned)


def test_no_more_is_claimed_than_may_be_in_flight() -> None:
    messages = [message(seq) for seq in range(1, 6)]
    buffer = buffer_with(*messages, in_flight=3)
    assert claim_all(buffer) == messages[:3]
    assert claim_all(buffer) == []
    record(buffer, messages[0])
    owned = buffer.owned(0)
    assert owned is not None
    assert set(owned.claimed) == {m.key for m in messages[1:4]}


def test_a_message_is_held_from_admission_until_it_is_recorded() -> None:
    first = message(1)
    buffer = buffer_with(first)
    assert buffer.held_keys([first.key]) == {first.key}
    claim_all(buffer)
    assert buffer.held_keys([first.key]) == {first.key}
    record(buffer, first)
    assert buffer.held_keys([first.key]) == set()


def test_a_slow_send_holds_the_recorded_offset_back() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    buffer = buffer_with(*messages)
    claim_all(buffer)
    record(buffer, messages[1], messages[2])
    owned = buffer.owned(0)
    assert owned is not None
    assert owned.offsets.committable == 1
    record(buffer, messages[0])
    assert owned.offsets.committable == 4


def test_results_of_a_lost_shard_are_late() -> None:
    first = message(1)
    buffer = buffer_with(first)
    claim_all(buffer)
    lose_shard(buffer)
    buffer.add_results([SendResult(first, SendStatus.ACCEPTED)])
    batch = buffer.take_batch()
    assert batch.results == []
    assert [r.message for r in batch.late] == [first]


def test_a_result_of_an_old_claim_leaves_the_new_one_alone() -> None:
    """A result from before a second takeover does not touch the new claim."""
    first = message(1)
    buffer = buffer_with(first)
    claim_all(buffer)
    lose_shard(buffer)
    again = message(1, claim_epoch=2)
    owned = owned_shard(epoch=2)
    buffer.add_shard(owned)
    buffer.track(owned, [again.offset])
    buffer.admit([again], [], [])
    claim_all(buffer)
    buffer.add_results([SendResult(first, SendStatus.ACCEPTED)])
    batch = buffer.take_batch()
    assert [r.message for r in batch.late] == [first]
    buffer.apply_commit([], [])
    assert set(owned.claimed) == {again.key}
    assert owned.offsets.committable == again.offset


def test_a_batch_put_back_keeps_its_order() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    buffer = buffer_with(*messages)
    buffer.put_back(buffer.take_batch())
    assert claim_all(buffer) == messages


def test_draining_gives_up_what_is_not_claimed() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    buffer = buffer_with(*messages, in_flight=1)
    (claimed,) = claim_all(buffer)
    assert not buffer.drain({0}, timeout=0.01)
    record(buffer, claimed)
    write_offset(buffer)
    assert buffer.drain({0}, timeout=0.01)
    owned = buffer.owned(0)
    assert owned is not None
    assert owned.offsets.committable == messages[1].offset
    assert claim_all(buffer) == []


def test_draining_waits_for_a_claim_that_is_being_written() -> None:
    first = message(1)
    buffer = buffer_with(first)
    batch = buffer.take_batch()
    assert not buffer.drain({0}, timeout=0.01)
    buffer.apply_commit([], batch.claims)
    record(buffer, first)
    write_offset(buffer)
    assert buffer.drain({0}, timeout=0.01)


def test_draining_waits_for_the_recorded_offset() -> None:
    """Draining waits until it is recorded how far the shard was worked off."""
    buffer = buffer_with()
    buffer.advance_to(0, 7)  # past records that were not for anybody
    assert not buffer.wait_for_work(0.0)
    assert not buffer.drain({0}, timeout=0.01)
    assert buffer.wait_for_work(0.0)
    write_offset(buffer)
    assert buffer.drain({0}, timeout=0.01)
    assert not buffer.wait_for_work(0.0)


def test_a_reacquired_shard_is_not_draining() -> None:
    buffer = buffer_with(message(1))
    lose_shard(buffer)
    assert buffer.drain({0}, timeout=0.0)  # of somebody who has not noticed yet
    buffer.add_shard(owned_shard(epoch=2))
    assert not buffer.is_draining(0)


def test_there_is_no_room_while_a_batch_waits_to_be_claimed() -> None:
    buffer = buffer_with(*[message(seq) for seq in range(1, 11)], in_flight=2, batch_size=8)
    claim_all(buffer)
    assert not buffer.wait_for_capacity(0.0)


def test_messages_of_a_lost_shard_are_left_to_its_new_owner() -> None:
    """Messages admitted for a shard that was lost meanwhile are left to its new owner."""
    buffer = buffer_with()
    late = message(1)
    lose_shard(buffer)
    buffer.admit([late], [SendResult(message(2), SendStatus.PERMANENT)], [])
    assert buffer.take_batch() == ([], [], [])
    buffer.add_shard(owned_shard(epoch=2))
    buffer.admit([late], [], [])
    assert not buffer.holds(late)


def test_dropping_an_old_ownership_leaves_the_present_one() -> None:
    """Dropping an earlier ownership leaves the present one alone."""
    buffer = buffer_with()
    earlier = buffer.owned(0)
    assert earlier is not None
    lose_shard(buffer)
    buffer.add_shard(owned_shard(epoch=2))
    buffer.drop_shard(earlier)
    assert buffer.owned(0) is not None


def test_a_released_message_is_fetched_by_the_next_owner() -> None:
    called, queued = message(1), message(2)
    buffer = buffer_with(called, queued)
    claim_all(buffer)
    assert not buffer.drain({0}, timeout=0.01)
    assert buffer.is_draining(0)
    buffer.add_results(
        [SendResult(called, SendStatus.ACCEPTED), SendResult(queued, SendStatus.RELEASED)]
    )
    batch = buffer.take_batch()
    buffer.apply_commit(batch.results, batch.claims)
    write_offset(buffer)
    assert buffer.drain({0}, timeout=0.01)
    owned = buffer.owned(0)
    assert owned is not None
    assert owned.offsets.committable == queued.offset
    lose_shard(buffer)
    assert not buffer.is_draining(0)


def test_messages_that_may_not_be_claimed_start_no_transaction() -> None:
    """Messages that may not be claimed yet are no reason for a transaction."""
    messages = [message(seq) for seq in range(1, 21)]
    buffer = buffer_with(*messages, in_flight=8, batch_size=8)
    assert buffer.wait_for_batch(0.0)
    claimed = claim_all(buffer)
    assert len(claimed) == 8
    assert not buffer.wait_for_batch(0.0)
    buffer.add_results([SendResult(claimed[0], SendStatus.ACCEPTED)])
    assert not buffer.wait_for_batch(0.0)
    buffer.add_results([SendResult(claimed[1], SendStatus.ACCEPTED)])
    assert buffer.wait_for_batch(0.0)  # with what they make room for


def test_a_transaction_comes_before_the_claimed_messages_run_out() -> None:
    messages = [message(seq) for seq in range(1, 9)]
    buffer = buffer_with(*messages, in_flight=8, batch_size=100)
    claimed = claim_all(buffer)
    buffer.add_results([SendResult(claimed[0], SendStatus.ACCEPTED)])
    assert not buffer.wait_for_batch(0.0)
    buffer.add_results([SendResult(claimed[1], SendStatus.ACCEPTED)])
    assert buffer.wait_for_batch(0.0)
