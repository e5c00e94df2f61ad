from campaign_sender.in_flight.buffer import Desk
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, Result
from tests.unit.sender.messages import message, owned_shard


def desk_with(*messages: Message, in_flight: int = 100, batch_size: int = 10) -> Desk:
    desk = Desk(in_flight=in_flight, batch_size=batch_size)
    owned = owned_shard()
    desk.add_shard(owned)
    desk.begin(owned, [m.offset for m in messages])
    desk.move_to(0, messages[-1].offset + 1 if messages else 0)
    desk.admit(messages, [], [])
    return desk


def claim_all(desk: Desk) -> list[Message]:
    work = desk.take_work()
    desk.recorded([], work.claims)
    return work.claims


def record(desk: Desk, *messages: Message) -> None:
    desk.report([Result(m, Answer.ACCEPTED) for m in messages])
    work = desk.take_work()
    desk.recorded(work.results, work.claims)


def write_offset(desk: Desk) -> None:
    """Do what the recorder's transaction does for a shard that has moved."""
    owned = desk.owned(0)
    assert owned is not None
    owned.recorded_offset = owned.offsets.recorded


def lose_shard(desk: Desk) -> None:
    owned = desk.owned(0)
    assert owned is not None
    desk.drop_shard(owned)


def test_no_more_is_claimed_than_may_be_in_flight() -> None:
    messages = [message(seq) for seq in range(1, 6)]
    desk = desk_with(*messages, in_flight=3)
    assert claim_all(desk) == messages[:3]
    assert claim_all(desk) == []
    record(desk, messages[0])
    owned = desk.owned(0)
    assert owned is not None
    assert set(owned.claimed) == {m.key for m in messages[1:4]}


def test_a_message_is_held_from_admission_until_it_is_recorded() -> None:
    first = message(1)
    desk = desk_with(first)
    assert desk.held_of([first.key]) == {first.key}
    claim_all(desk)
    assert desk.held_of([first.key]) == {first.key}
    record(desk, first)
    assert desk.held_of([first.key]) == set()


def test_a_slow_call_holds_the_recorded_offset_back() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    desk = desk_with(*messages)
    claim_all(desk)
    record(desk, messages[1], messages[2])
    owned = desk.owned(0)
    assert owned is not None
    assert owned.offsets.recorded == 1
    record(desk, messages[0])
    assert owned.offsets.recorded == 4


def test_results_of_a_lost_shard_are_late() -> None:
    first = message(1)
    desk = desk_with(first)
    claim_all(desk)
    lose_shard(desk)
    desk.report([Result(first, Answer.ACCEPTED)])
    work = desk.take_work()
    assert work.results == []
    assert [r.message for r in work.late] == [first]


def test_a_result_from_before_a_second_take_over_does_not_touch_the_new_claim() -> None:
    first = message(1)
    desk = desk_with(first)
    claim_all(desk)
    lose_shard(desk)
    again = message(1, claim_epoch=2)
    owned = owned_shard(epoch=2)
    desk.add_shard(owned)
    desk.begin(owned, [again.offset])
    desk.admit([again], [], [])
    claim_all(desk)
    desk.report([Result(first, Answer.ACCEPTED)])
    work = desk.take_work()
    assert [r.message for r in work.late] == [first]
    desk.recorded([], [])
    assert set(owned.claimed) == {again.key}
    assert owned.offsets.recorded == again.offset


def test_work_given_back_after_an_outage_keeps_its_order() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    desk = desk_with(*messages)
    desk.give_back(desk.take_work())
    assert claim_all(desk) == messages


def test_draining_gives_up_what_is_not_claimed() -> None:
    messages = [message(seq) for seq in (1, 2, 3)]
    desk = desk_with(*messages, in_flight=1)
    (claimed,) = claim_all(desk)
    assert not desk.drain({0}, timeout=0.01)
    record(desk, claimed)
    write_offset(desk)
    assert desk.drain({0}, timeout=0.01)
    owned = desk.owned(0)
    assert owned is not None
    assert owned.offsets.recorded == messages[1].offset
    assert claim_all(desk) == []


def test_draining_waits_for_a_claim_that_is_being_written() -> None:
    first = message(1)
    desk = desk_with(first)
    work = desk.take_work()
    assert not desk.drain({0}, timeout=0.01)
    desk.recorded([], work.claims)
    record(desk, first)
    write_offset(desk)
    assert desk.drain({0}, timeout=0.01)


def test_draining_waits_until_it_is_recorded_how_far_the_shard_was_worked_off() -> None:
    desk = desk_with()
    desk.move_to(0, 7)  # past records that were not for anybody
    assert not desk.wait_for_work(0.0)
    assert not desk.drain({0}, timeout=0.01)
    assert desk.wait_for_work(0.0)
    write_offset(desk)
    assert desk.drain({0}, timeout=0.01)
    assert not desk.wait_for_work(0.0)


def test_a_shard_lost_in_the_middle_of_draining_and_taken_anew_is_worked_for() -> None:
    desk = desk_with(message(1))
    lose_shard(desk)
    assert desk.drain({0}, timeout=0.0)  # of somebody who has not noticed yet
    desk.add_shard(owned_shard(epoch=2))
    assert not desk.is_draining(0)


def test_there_is_no_room_while_a_batch_waits_to_be_claimed() -> None:
    desk = desk_with(*[message(seq) for seq in range(1, 11)], in_flight=2, batch_size=8)
    claim_all(desk)
    assert not desk.wait_for_room(0.0)


def test_what_was_admitted_for_a_shard_lost_meanwhile_is_left_to_its_new_owner() -> None:
    desk = desk_with()
    late = message(1)
    lose_shard(desk)
    desk.admit([late], [Result(message(2), Answer.PERMANENT)], [])
    assert desk.take_work() == ([], [], [])
    desk.add_shard(owned_shard(epoch=2))
    desk.admit([late], [], [])
    assert not desk.holds(late)


def test_dropping_an_earlier_ownership_leaves_the_present_one_alone() -> None:
    desk = desk_with()
    earlier = desk.owned(0)
    assert earlier is not None
    lose_shard(desk)
    desk.add_shard(owned_shard(epoch=2))
    desk.drop_shard(earlier)
    assert desk.owned(0) is not None


def test_what_is_given_back_while_draining_is_fetched_again_by_the_next_owner() -> None:
    called, queued = message(1), message(2)
    desk = desk_with(called, queued)
    claim_all(desk)
    assert not desk.drain({0}, timeout=0.01)
    assert desk.is_draining(0)
    desk.report([Result(called, Answer.ACCEPTED), Result(queued, Answer.GIVEN_BACK)])
    work = desk.take_work()
    desk.recorded(work.results, work.claims)
    write_offset(desk)
    assert desk.drain({0}, timeout=0.01)
    owned = desk.owned(0)
    assert owned is not None
    assert owned.offsets.recorded == queued.offset
    lose_shard(desk)
    assert not desk.is_draining(0)


def test_what_may_not_be_claimed_yet_is_no_reason_for_a_transaction() -> None:
    messages = [message(seq) for seq in range(1, 21)]
    desk = desk_with(*messages, in_flight=8, batch_size=8)
    assert desk.wait_for_batch(0.0)
    claimed = claim_all(desk)
    assert len(claimed) == 8
    assert not desk.wait_for_batch(0.0)
    desk.report([Result(claimed[0], Answer.ACCEPTED)])
    assert not desk.wait_for_batch(0.0)
    desk.report([Result(claimed[1], Answer.ACCEPTED)])
    assert desk.wait_for_batch(0.0)  # with what they make room for


def test_a_transaction_comes_before_the_claimed_messages_run_out() -> None:
    messages = [message(seq) for seq in range(1, 9)]
    desk = desk_with(*messages, in_flight=8, batch_size=100)
    claimed = claim_all(desk)
    desk.report([Result(claimed[0], Answer.ACCEPTED)])
    assert not desk.wait_for_batch(0.0)
    desk.report([Result(claimed[1], Answer.ACCEPTED)])
    assert desk.wait_for_batch(0.0)
