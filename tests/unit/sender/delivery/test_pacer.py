"""Paced queues, with grants that the test gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.pacer import LONGEST_REST, PacedQueue
from campaign_sender.limiting.slot_lease import Taken
from campaign_sender.message import Message
from tests.unit.sender.messages import message


@dataclass
class Grants:
    """Grants that are due, in place of a limiter's."""

    units: int = 0
    limits: ProviderLimits = field(default_factory=ProviderLimits)
    rests_for: float = 0.0
    gathered: int = 0
    needs_grants: bool = True
    connections: int | None = None
    given_back: list[Message] = field(default_factory=list)

    def take(self, units: int) -> Taken | None:
        taken = min(units, self.units)
        self.units -= taken
        return Taken(taken, 5.0) if taken else None

    def take_for(self, cost: int) -> Taken | None:
        return self.take(cost) if self.units >= cost else None

    def cost_of(self, one: Message) -> int:
        return one.record.seq

    def due(self) -> int:
        return self.units

    def drop_gathered(self) -> None:
        self.gathered = 0

    def give_back(self, one: Message) -> None:
        self.given_back.append(one)

    def next_in(self) -> float | None:
        return None


@dataclass
class Rate:
    """Grants of a campaign's rate that are due, in place of a lease."""

    units: int = 0

    def due(self) -> int:
        return self.units

    def take(self, messages: int) -> Taken | None:
        taken = min(messages, self.units)
        self.units -= taken
        return Taken(taken, 7.0) if taken else None

    def next_in(self) -> float | None:
        return 0.01


class Bench:
    """A queue whose provider has a number of connections."""

    def __init__(self, grants: Grants, connections: int | None = None) -> None:
        self.void: set[int] = set()
        self.rest = 0.0
        self.started: list[Message] = []
        self.first: list[Message] = []
        """Of those that started, the ones that went before what waits for connections."""
        self.reported: list[SendResult[Message]] = []
        self.rates: dict[int, Rate] = {}
        self.queue = PacedQueue(
            grants,  # type: ignore[arg-type]
            self._check,
            self._submit,
            lambda: connections,
            lambda: self.rest,
            self.reported.extend,
            lambda: self.rates,  # type: ignore[arg-type, return-value]
        )

    def _submit(self, messages: Sequence[Message], *, first: bool = False) -> None:
        self.started += messages
        if first:
            self.first += messages

    def _check(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [SendStatus.STALE if m.record.seq in self.void else None for m in messages]


def test_messages_start_as_grants_are_due_in_their_order() -> None:
    grants = Grants(units=2)
    bench = Bench(grants)
    messages = [message(seq) for seq in range(1, 5)]
    bench.queue.add(messages)
    assert bench.started == messages[:2]
    assert messages[0].send_until == 5.0
    grants.units = 9
    bench.queue.start_due()
    assert bench.started == messages


def test_no_more_start_than_connections_are_free() -> None:
    bench = Bench(Grants(units=9), connections=2)
    messages = [message(seq) for seq in range(1, 4)]
    bench.queue.add(messages)
    assert bench.started == messages[:2]
    bench.queue.note_ended([SendResult(messages[0], SendStatus.ACCEPTED)])
    bench.queue.start_due()
    assert bench.started == messages


def test_a_message_without_a_grant_waits_where_many_are_due() -> None:
    """The number of those that are due may have changed when they are taken."""
    bench = Bench(Grants(units=5_000))
    bench.queue.limiter.take = lambda units: Taken(1, 5.0)  # type: ignore[method-assign]  # noqa: ARG005
    first, second = message(1), message(2)
    bench.queue.add([first, second])
    assert bench.started == [first]
    bench.queue.start_due()
    assert bench.started == [first, second]


def test_what_must_not_be_sent_uses_no_grant() -> None:
    bench = Bench(Grants(units=1))
    bench.void = {1}
    first, second = message(1), message(2)
    bench.queue.add([first, second])
    bench.queue.start_due()
    assert [(r.message, r.status) for r in bench.reported] == [(first, SendStatus.STALE)]
    assert bench.started == [second]


@pytest.mark.parametrize(
    ("breaker", "day", "wait"), [(3.0, 0.0, 3.0), (0.0, 9_999.0, LONGEST_REST)]
)
def test_messages_of_a_resting_provider_go_back(breaker: float, day: float, wait: float) -> None:
    bench = Bench(Grants(units=1, rests_for=day))
    bench.rest = breaker
    one = message(1)
    assert bench.queue.claimable(0.25) is None
    bench.queue.add([one])
    assert bench.reported == [SendResult(one, SendStatus.RESTING, None, None, wait)]
    assert bench.started == []


def test_long_messages_wait_for_all_their_segments() -> None:
    grants = Grants(units=4, limits=ProviderLimits(unit=LimitUnit.SEGMENTS))
    bench = Bench(grants)
    bench.queue.add([message(3), message(2)])
    assert [one.record.seq for one in bench.started] == [3]
    grants.units += 1
    bench.queue.start_due()
    assert [one.record.seq for one in bench.started] == [3, 2]


def test_grants_of_a_day_come_back_from_what_did_not_start() -> None:
    grants = Grants(units=2, limits=ProviderLimits(per_day=5))
    bench = Bench(grants)
    sent, missed = message(1), message(2)
    bench.queue.add([sent, missed])
    bench.queue.note_ended(
        [SendResult(sent, SendStatus.ACCEPTED), SendResult(missed, SendStatus.NOT_GRANTED)]
    )
    assert grants.given_back == [missed]


def messages_of(campaign_id: int, count: int) -> list[Message]:
    return [message(seq, campaign_id=campaign_id) for seq in range(1, count + 1)]


def unlimited(units: int) -> Bench:
    """Return a queue of a provider without limits, and of a campaign with grants of its rate."""
    bench = Bench(Grants(units=1_000_000, needs_grants=False))
    bench.rates[1] = Rate(units)
    return bench


def test_messages_of_a_campaign_start_by_the_grants_of_its_rate() -> None:
    bench = unlimited(2)
    slow = messages_of(1, 4)
    bench.queue.add(slow)
    assert bench.started == bench.first == slow[:2]
    assert [one.rate_until for one in slow] == [7.0, 7.0, 0.0, 0.0]
    assert bench.queue.waiting_of(1) == len(bench.queue) == 2
    assert bench.queue.pause() == 0.01
    bench.rates[1].units = 9
    bench.queue.start_due()
    assert bench.started == slow


def test_a_campaign_without_grants_holds_no_other_back() -> None:
    bench = unlimited(0)
    assert bench.queue.takes(1)
    assert not bench.queue.takes(2)
    bench.queue.add(messages_of(1, 2))
    assert not bench.queue.takes(2)
    others = messages_of(2, 2)
    bench.queue.add(others)
    assert bench.started == others


def test_a_message_needs_a_grant_of_its_provider_too() -> None:
    bench = Bench(Grants(units=1))
    bench.rates[1] = Rate(2)
    slow = messages_of(1, 2)
    bench.queue.add(slow)
    assert bench.started == slow[:1]
    assert bench.rates[1].units == 1
    bench.queue.limiter.units = 1  # type: ignore[attr-defined]
    bench.queue.start_due()
    assert bench.started == slow
    assert slow[1].send_until == 5.0


def test_a_campaign_whose_rate_was_lifted_waits_for_nothing() -> None:
    bench = unlimited(0)
    slow = messages_of(1, 2)
    bench.queue.add(slow)
    bench.rates.clear()
    bench.queue.start_due()
    assert bench.started == slow


def test_messages_with_a_rate_of_a_resting_provider_go_back() -> None:
    bench = unlimited(0)
    bench.rest = 3.0
    (one,) = messages_of(1, 1)
    bench.queue.add([one])
    assert bench.reported == [SendResult(one, SendStatus.RESTING, None, None, 3.0)]
    assert bench.queue.is_resting


def test_limits_that_were_lifted_leave_no_request_counted() -> None:
    grants = Grants(units=9)
    bench = Bench(grants, connections=2)
    under_way = messages_of(2, 2)
    bench.queue.add(under_way)
    grants.needs_grants = False
    assert bench.queue.counts_requests
    bench.queue.note_ended([SendResult(one, SendStatus.ACCEPTED) for one in under_way])
    grants.needs_grants = True
    more = messages_of(2, 2)
    bench.queue.add(more)
    assert bench.started == [*under_way, *more]
