"""Claims of a buffer by the window and the grants of each provider and campaign."""

from collections import Counter

import pytest

from campaign_providers.contract import SendStatus
from campaign_sender.message import Message
from tests.unit.sender.in_flight.provider_bench import CONNECTIONS, OTHER, SLOW, Bench, with_rate


def accepted(messages: list[Message]) -> list[tuple[Message, SendStatus]]:
    return [(one, SendStatus.ACCEPTED) for one in messages]


def test_what_the_connections_carry_is_claimed_at_first() -> None:
    bench = Bench()
    bench.admit("http", 100)
    assert len(bench.cycle()) == CONNECTIONS
    assert bench.cycle() == []


@pytest.mark.parametrize(("per_second", "more"), [(100, 25), (400, 100), (0, 0)])
def test_the_window_has_a_quarter_second_of_the_rate(per_second: int, more: int) -> None:
    bench = Bench()
    bench.admit("http", 400)
    claimed = bench.cycle()
    for _ in range(30):
        bench.clock.now += 0.05
        done, claimed = claimed[: per_second // 20], claimed[per_second // 20 :]
        bench.admit("http", len(done))
        claimed += bench.cycle(*accepted(done))
    assert len(claimed) == pytest.approx(CONNECTIONS + more, abs=3)


def test_a_provider_without_grants_holds_no_other_back() -> None:
    bench = Bench()
    bench.granted["limited"] = 0
    waiting = bench.admit("limited", 300)
    bench.admit("http", 20)
    assert {one.provider for one in bench.cycle()} == {"http"}
    bench.granted["limited"] = 2
    assert bench.cycle() == waiting[:2]


def test_what_may_be_in_flight_is_shared_by_providers() -> None:
    bench = Bench(in_flight=12)
    bench.admit("a", 50)
    bench.admit("b", 50)
    claimed = bench.cycle()
    assert sorted(one.provider for one in claimed) == ["a"] * 6 + ["b"] * 6


def test_a_message_that_did_not_start_leaves_the_claim_and_waits() -> None:
    """It is held all the time, it is the first one to be claimed again, and its offset stays."""
    bench = Bench()
    first, second = bench.admit("http", 2)
    bench.granted["http"] = 1
    assert bench.cycle() == [first]
    bench.granted["http"] = 0
    assert bench.cycle((first, SendStatus.NOT_GRANTED)) == []
    owned = bench.buffer.owned(0)
    assert owned is not None
    assert owned.claimed == {}
    assert owned.offsets.committable == first.offset
    assert bench.buffer.held_keys([first.key]) == {first.key}
    bench.granted["http"] = 2
    assert bench.cycle() == [first, second]


def test_a_message_that_did_not_start_is_left_to_the_next_owner() -> None:
    bench = Bench()
    (first,) = bench.admit("http", 1)
    bench.cycle()
    assert not bench.buffer.drain([0], 0.0)
    bench.cycle((first, SendStatus.NOT_GRANTED))
    owned = bench.buffer.owned(0)
    assert owned is not None
    owned.recorded_offset = owned.offsets.committable  # as the recorder writes it
    assert bench.buffer.drain([0], 0.0)
    assert bench.buffer.held_keys([first.key]) == set()


def test_what_ends_without_a_send_is_no_throughput() -> None:
    """A slow provider is claimed for by what it took, not by what went back."""
    bench = Bench(in_flight=4_000)
    bench.admit("slow", 400)
    bench.admit("http", 1)
    claimed = [one for one in bench.cycle() if one.provider == "slow"]
    for _ in range(20):
        bench.clock.now += 0.05
        claimed = [
            one
            for one in bench.cycle(*((one, SendStatus.CIRCUIT_OPEN) for one in claimed))
            if one.provider == "slow"
        ]
        assert len(claimed) <= CONNECTIONS


def test_what_must_not_be_sent_does_not_wait_for_grants() -> None:
    bench = Bench()
    bench.granted["limited"] = 0
    paused, running = bench.admit("limited", 2)
    (other,) = bench.admit("http", 1)
    bench.buffer.end_unclaimed(
        ["limited"],
        [],
        lambda batch: [SendStatus.STALE if one is paused else None for one in batch],
    )
    batch = bench.buffer.take_batch()
    assert [(r.message, r.status) for r in batch.results] == [(paused, SendStatus.STALE)]
    assert batch.claims == [other]
    bench.buffer.apply_commit(batch.results, batch.claims)
    assert bench.buffer.held_keys([paused.key, running.key]) == {running.key}


def test_a_campaign_without_grants_holds_no_other_back() -> None:
    bench = with_rate("2")
    waiting = bench.admit("http", 300, SLOW)
    others = bench.admit("http", 5, OTHER)
    assert bench.cycle() == others
    bench.granted_to[SLOW] = 2
    assert bench.cycle() == waiting[:2]


def test_a_campaign_is_claimed_by_its_grants_over_all_providers() -> None:
    bench = with_rate("2")
    bench.admit("http", 9, SLOW)
    bench.admit("other", 9, SLOW)
    bench.granted_to[SLOW] = 3
    assert len(bench.cycle()) == 3


def test_what_must_not_be_sent_does_not_wait_for_a_rate() -> None:
    bench = with_rate("1")
    (paused,) = bench.admit("http", 1, SLOW)
    bench.admit("http", 1, OTHER)
    bench.buffer.end_unclaimed([], [SLOW], lambda batch: [SendStatus.STALE for _ in batch])
    batch = bench.buffer.take_batch()
    assert [(r.message, r.status) for r in batch.results] == [(paused, SendStatus.STALE)]


def test_a_campaign_that_begins_has_its_share_of_grants() -> None:
    bench = Bench()
    bench.admit("http", 300, SLOW)
    bench.granted["http"] = 8
    bench.cycle()
    bench.admit("http", 10, OTHER)
    assert Counter(one.campaign_id for one in bench.cycle()) == {SLOW: 1, OTHER: 1}
