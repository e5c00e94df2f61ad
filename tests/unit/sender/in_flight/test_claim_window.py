"""Claims of a buffer by the window, the grants and the rests of each provider."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.in_flight.backlog import BACKLOG, LEAST_BACKLOG, LONGEST_WAIT, Backlogs, Rest
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.claim_window import ClaimWindows
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, message, owned_shard

CONNECTIONS = 10


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Grants:
    """Grants of a campaign's rate in a second, in place of a lease."""

    per_second: Decimal

    def claimable(self, seconds: float, waiting: int) -> int:
        return int(float(self.per_second) * seconds) - waiting


class Paces:
    """Paces that a test sets."""

    def __init__(self) -> None:
        self.rates: dict[CampaignId, Grants] = {}
        self.priorities: dict[CampaignId, int] = {}

    def priority_of(self, campaign_id: CampaignId) -> int:
        return self.priorities.get(campaign_id, 5)


class Bench:
    """A buffer whose messages belong to providers, and the grants that a test gives."""

    def __init__(self, in_flight: int = 1_000) -> None:
        self.clock = Clock()
        self.granted: dict[str, int] = {}
        self.granted_to: dict[CampaignId, int] = {}
        self.paces = Paces()
        self.rests: dict[str, Rest] = {}
        self.rates: dict[str, float] = {}
        self.postponed: list[SendStatus] = []
        self.windows = ClaimWindows(
            lambda _: CONNECTIONS,
            lambda provider, _: 0 if provider in self.rests else self.granted.get(provider),
            without_connections=100,
            clock=self.clock,
            granted_to=lambda campaign_id, _: self.granted_to.get(campaign_id),
            cost_of=lambda _: None,
            paces=self.paces,
        )
        backlogs = Backlogs(
            self.rests.get,
            lambda provider: self.rates.get(provider, self.windows.rate(provider)),
            lambda _, statuses: self.postponed.extend(statuses),
            self.clock,
        )
        self.buffer = InFlightBuffer(
            in_flight=in_flight, batch_size=500, bounds=self.windows, backlogs=backlogs
        )
        self.buffer.add_shard(owned_shard())
        self._seq = 0

    def admit(self, provider: str, count: int, campaign_id: int = CAMPAIGN) -> list[Message]:
        admitted = []
        for _ in range(count):
            self._seq += 1
            one = message(self._seq, campaign_id=campaign_id)
            one.provider = provider
            admitted.append(one)
        owned = self.buffer.owned(0)
        assert owned is not None
        self.buffer.track(owned, [one.offset for one in admitted])
        self.buffer.admit(admitted, [], [])
        return admitted

    def postpone(self, *in_use: str) -> list[SendResult[Message]]:
        """Postpone what may not wait, and record that; return the results."""
        self.buffer.postpone(in_use)
        batch = self.buffer.take_batch()
        self.buffer.apply_commit(batch.results, batch.claims)
        return batch.results

    def claimed(self, provider: str) -> int:
        owned = self.buffer.owned(0)
        assert owned is not None
        return sum(one.provider == provider for one in owned.claimed.values())

    def cycle(self, *results: tuple[Message, SendStatus]) -> list[Message]:
        """Record results, and claim; return what is claimed."""
        self.buffer.add_results([SendResult(one, status) for one, status in results])
        batch = self.buffer.take_batch()
        self.buffer.apply_commit(batch.results, batch.claims)
        return batch.claims


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


def test_what_waits_for_a_slow_provider_goes_back() -> None:
    """A waiting message has no attempt, and comes again by the rate of its provider."""
    bench = Bench()
    bench.granted["limited"] = 0
    bench.rates["limited"] = 40.0
    waiting = bench.admit("limited", 500)
    results = bench.postpone("limited", "http")
    assert {result.status for result in results} == {SendStatus.RESTING}
    assert [result.message for result in results] == waiting[200:]
    waits = [result.retry_after for result in results]
    assert waits == pytest.approx([BACKLOG + place / 40 for place in range(300)])
    assert bench.buffer.held_keys([waiting[-1].key]) == set()
    assert bench.postponed == [SendStatus.RESTING] * 300


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
    assert results[3].retry_after == pytest.approx(BACKLOG + 30)


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
    ("try_number", "bound"), [(1, 15.0), (3, 60.0), (5, LONGEST_WAIT), (9_000, LONGEST_WAIT)]
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


def test_what_is_void_does_not_wait_for_grants() -> None:
    bench = Bench()
    bench.granted["limited"] = 0
    paused, running = bench.admit("limited", 2)
    (other,) = bench.admit("http", 1)
    bench.buffer.drop_void(
        ["limited"],
        [],
        lambda batch: [SendStatus.STALE if one is paused else None for one in batch],
    )
    batch = bench.buffer.take_batch()
    assert [(r.message, r.status) for r in batch.results] == [(paused, SendStatus.STALE)]
    assert batch.claims == [other]
    bench.buffer.apply_commit(batch.results, batch.claims)
    assert bench.buffer.held_keys([paused.key, running.key]) == {running.key}


SLOW, OTHER = CampaignId(1), CampaignId(2)


def with_rate(per_second: str) -> Bench:
    bench = Bench()
    bench.paces.rates[SLOW] = Grants(Decimal(per_second))
    bench.granted_to[SLOW] = 0
    return bench


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


def test_what_waits_for_a_slow_campaign_goes_back() -> None:
    bench = with_rate("10")
    waiting = bench.admit("http", 130, SLOW)
    bench.admit("http", 30, OTHER)
    bench.buffer.postpone([])
    batch = bench.buffer.take_batch()
    assert {result.status for result in batch.results} == {SendStatus.RESTING}
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


def test_what_is_void_does_not_wait_for_a_rate() -> None:
    bench = with_rate("1")
    (paused,) = bench.admit("http", 1, SLOW)
    bench.admit("http", 1, OTHER)
    bench.buffer.drop_void([], [SLOW], lambda batch: [SendStatus.STALE for _ in batch])
    batch = bench.buffer.take_batch()
    assert [(r.message, r.status) for r in batch.results] == [(paused, SendStatus.STALE)]


def test_a_campaign_that_begins_has_its_share_of_grants() -> None:
    bench = Bench()
    bench.admit("http", 300, SLOW)
    bench.granted["http"] = 8
    bench.cycle()
    bench.admit("http", 10, OTHER)
    assert Counter(one.campaign_id for one in bench.cycle()) == {SLOW: 1, OTHER: 1}
