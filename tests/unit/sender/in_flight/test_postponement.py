"""Messages that go back, since they wait for long or hold others up."""

from itertools import pairwise

import pytest

from campaign_providers.contract import SendStatus
from campaign_sender.in_flight.backlog import BACKLOG_SECONDS, LEAST_BACKLOG, LONGEST_DELAY, Rest
from tests.unit.sender.in_flight.provider_bench import CONNECTIONS, OTHER, SLOW, Bench, with_rate
from tests.unit.sender.messages import message


def test_what_waits_for_a_slow_provider_goes_back() -> None:
    """A waiting message has no attempt, and comes again by the rate of its provider."""
    bench = Bench()
    bench.granted["limited"] = 0
    bench.rates["limited"] = 40.0
    waiting = bench.admit("limited", 500)
    results = bench.postpone("limited", "http")
    assert {result.status for result in results} == {SendStatus.LIMITED}
    assert [result.message for result in results] == waiting[200:]
    waits = [result.retry_after for result in results]
    assert waits == pytest.approx([BACKLOG_SECONDS + place / 40 for place in range(300)])
    assert bench.buffer.held_keys([waiting[-1].key]) == set()
    assert bench.postponed == [SendStatus.LIMITED] * 300


def test_the_next_ones_that_go_back_are_due_behind_the_last_ones() -> None:
    """Of a retry flood, which is what all of them at once would be."""
    bench = Bench()
    bench.granted["limited"] = 0
    bench.rates["limited"] = 40.0
    bench.admit("limited", 500)
    due = [r.retry_after for r in bench.postpone("limited", "http")]
    for _ in range(3):
        bench.clock.now += 1.0
        bench.admit("limited", 300)
        due += [
            bench.clock.now - 100.0 + (r.retry_after or 0.0)
            for r in bench.postpone("limited", "http")
        ]
    assert len(due) == 1_200
    assert [b - a for a, b in pairwise(due)] == pytest.approx([1 / 40] * 1_199)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("count", "in_use", "rate"),
    [
        (499, ("slow", "http"), 1.0),
        (500, ("slow",), 1.0),
        (500, (), 1.0),
        (500, ("slow", "http"), None),
        (500, ("slow", "http"), 100.0),
    ],
    ids=["the fetch goes on", "no other is used", "none is known", "rate unknown", "fast enough"],
)
def test_nothing_goes_back_without_need(
    count: int, in_use: tuple[str, ...], rate: float | None
) -> None:
    bench = Bench()
    bench.granted["slow"] = 0
    if rate is not None:
        bench.rates["slow"] = rate
    bench.admit("slow", count)
    assert bench.postpone(*in_use) == []


def test_a_provider_of_failover_counts_once_it_is_seen() -> None:
    bench = Bench()
    bench.granted["slow"] = 0
    bench.rates["slow"] = 1.0
    bench.admit("spare", 1)
    bench.admit("slow", 500)
    assert len(bench.postpone("slow")) == 500 - LEAST_BACKLOG


def test_few_of_a_very_slow_provider_hold_offsets_back() -> None:
    """No least number of them may wait where the fetch stops for the oldest one's offset."""
    bench = Bench()
    bench.granted["slow"] = 0
    bench.rates["slow"] = 0.1
    bench.admit("slow", 90)
    bench.buffer.max_span = 50
    owned = bench.buffer.owned(0)
    assert owned is not None
    owned.offsets.advance_to(1_000)
    results = bench.postpone("slow", "http")
    assert len(results) == 89
    assert results[3].retry_after == pytest.approx(BACKLOG_SECONDS + 30)


@pytest.mark.parametrize(
    ("rest", "first", "last"),
    [
        (Rest(3.0, SendStatus.CIRCUIT_OPEN), 3.0, 3.0 + 49 / 100),
        (Rest(900.0, SendStatus.CIRCUIT_OPEN), 900.0, 900.0 + 49 / 100),
        (Rest(9.0), 9.0, 9.0 + 49 / 100),
        (Rest(4.0, SendStatus.CIRCUIT_OPEN, lambda one: 2.0**one.record.try_number), 2.0, 2.0),
    ],
    ids=["breaker", "long breaker", "day", "account"],
)
def test_all_of_a_resting_provider_goes_back_unclaimed(
    rest: Rest, first: float, last: float
) -> None:
    """They are due from its end on, by its rate, and count for no throughput."""
    bench = Bench()
    bench.rests["http"] = rest
    waiting = bench.admit("http", 50)
    for _ in range(3):
        assert bench.cycle() == []
    results = bench.postpone("http")
    assert [(r.message, r.status) for r in results] == [(one, rest.status) for one in waiting]
    assert results[0].retry_after == pytest.approx(first)
    assert results[-1].retry_after == pytest.approx(last)
    bench.rests.clear()
    bench.admit("http", 100)
    assert len(bench.cycle()) == CONNECTIONS


@pytest.mark.parametrize(
    ("try_number", "bound"), [(1, 15.0), (3, 60.0), (5, LONGEST_DELAY), (9_000, LONGEST_DELAY)]
)
def test_a_long_rest_is_looked_at_again(try_number: int, bound: float) -> None:
    """Live limits may end it early: a message waits for a bounded time, doubled with each try."""
    bench = Bench()
    bench.rests["http"] = Rest(36_000.0)
    owned = bench.buffer.owned(0)
    assert owned is not None
    messages = [message(seq, try_number=try_number) for seq in range(1, 101)]
    bench.buffer.track(owned, [one.offset for one in messages])
    bench.buffer.admit(messages, [], [])
    bench.rests["simulated"] = bench.rests["http"]
    waits = [result.retry_after or 0.0 for result in bench.postpone()]
    assert bound / 2 <= min(waits) < max(waits) <= bound
    assert len(set(waits)) > 90


def test_decided_results_make_no_room_for_claims() -> None:
    """Also after their transaction did not happen: they were never claimed."""
    bench = Bench(in_flight=20)
    bench.granted["limited"] = 0
    bench.rates["limited"] = 1.0
    bench.admit("http", 30)
    bench.cycle()
    bench.admit("limited", 500)
    bench.buffer.postpone(["limited", "http"])
    for _ in range(2):
        batch = bench.buffer.take_batch()
        assert len(batch.results) == 400
        assert batch.claims == []
        bench.buffer.put_back(batch)
    assert bench.claimed("http") == CONNECTIONS


def test_what_waits_for_a_slow_campaign_goes_back() -> None:
    bench = with_rate("10")
    waiting = bench.admit("http", 130, SLOW)
    bench.admit("http", 30, OTHER)
    bench.buffer.postpone([])
    batch = bench.buffer.take_batch()
    assert {result.status for result in batch.results} == {SendStatus.LIMITED}
    assert [result.message for result in batch.results] == waiting[100:]
    waits = [result.retry_after for result in batch.results]
    assert waits == pytest.approx([5.0 + place / 10 for place in range(30)])


def test_a_slow_message_does_not_stop_the_fetch_of_its_partition() -> None:
    """Its offset is the lowest one for as long as it is held, however many others pass it."""
    bench = with_rate("0.01")
    (slow,) = bench.admit("http", 1, SLOW)
    owned = bench.buffer.owned(0)
    assert owned is not None
    bench.buffer.advance_to(0, slow.offset + bench.buffer.max_span)
    assert not bench.buffer.wait_for_capacity(0.0)
    bench.buffer.postpone([])
    bench.cycle()
    assert bench.buffer.wait_for_capacity(0.0)


def test_messages_that_wait_for_a_rate_do_not_stop_the_fetch() -> None:
    bench = with_rate("1000")
    bench.admit("http", 600, SLOW)
    assert bench.buffer.wait_for_capacity(0.0)
    bench.admit("http", 500, OTHER)
    assert not bench.buffer.wait_for_capacity(0.0)
