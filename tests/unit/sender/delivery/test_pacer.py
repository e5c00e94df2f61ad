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


class Bench:
    """A queue whose provider has a number of connections."""

    def __init__(self, grants: Grants, connections: int | None = None) -> None:
        self.void: set[int] = set()
        self.rest = 0.0
        self.started: list[Message] = []
        self.reported: list[SendResult[Message]] = []
        self.queue = PacedQueue(
            grants,  # type: ignore[arg-type]
            self._check,
            self.started.extend,
            lambda: connections,
            lambda: self.rest,
            self.reported.extend,
        )

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


def test_messages_with_a_grant_of_their_rate_go_first() -> None:
    grants = Grants()
    bench = Bench(grants)
    waiting = [message(1), message(2)]
    bench.queue.add(waiting)
    rated = [message(3), message(4)]
    bench.queue.add(rated, first=True)
    grants.units = 3
    bench.queue.start_due()
    assert bench.started == [*rated, waiting[0]]
