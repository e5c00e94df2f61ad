"""Queues of limited providers, with grants that the test gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import inf

import pytest

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery import provider_grant_queue
from campaign_sender.delivery.pacer import SWEEP_INTERVAL
from campaign_sender.delivery.provider_grant_queue import ProviderGrantQueue
from campaign_sender.limiting.slot_lease import Taken
from campaign_sender.message import Grant, Message
from tests.unit.sender.messages import message

TODAY = date(2027, 1, 1)
PER_DAY = ProviderLimits(per_day=5)
UNLIMITED = ProviderLimits()


@dataclass
class Grants:
    """Grants that are due, in place of a limiter's."""

    units: int = 0
    limits: ProviderLimits = field(default_factory=lambda: PER_DAY)
    day_used_up_for: float = 0.0
    is_fresh: bool = True
    until: float = inf
    returned: list[tuple[date, int]] = field(default_factory=list)

    @property
    def needs_grants(self) -> bool:
        return self.limits.needs_grants or not self.is_fresh

    @property
    def connections(self) -> int | None:
        return self.limits.concurrency

    def take(self, units: int) -> Taken | None:
        taken = min(units, self.units)
        self.units -= taken
        return Taken(taken, self.until, TODAY) if taken else None

    def take_for(self, cost: int) -> Taken | None:
        return self.take(cost) if self.units >= cost else None

    def take_again(self, messages: int) -> Taken | None:
        return self.take(messages)

    def take_again_for(self, cost: int) -> Taken | None:
        return self.take_for(cost)

    def cost_of(self, one: Message) -> int:
        return one.record.seq

    def due(self) -> int:
        return self.units

    def has_plenty(self, units: int) -> bool:
        return self.units >= units

    def claimable(self, _: float, waiting: int) -> int:
        return max(0, self.units - waiting)

    def next_in(self) -> float | None:
        return 0.0 if self.units else None

    def return_units(self, day: date, units: int) -> None:
        self.returned.append((day, units))


class Bench:
    """A queue whose provider has a number of connections."""

    def __init__(self, grants: Grants, connections: int | None = None) -> None:
        self.unsendable: dict[int, SendStatus] = {}
        self.rest = 0.0
        self.grants = grants
        self.connections = connections
        self.started: list[Message] = []
        self.reported: list[SendResult[Message]] = []
        self.queue = ProviderGrantQueue(
            grants,  # type: ignore[arg-type]
            self._check,
            self._submit,
            self._connections,
            lambda: self.rest,
            self.reported.extend,
        )

    def _submit(self, messages: Sequence[Message]) -> None:
        self.started.extend(messages)

    def _connections(self) -> int | None:
        bounds = [n for n in (self.connections, self.grants.connections) if n is not None]
        return min(bounds, default=None)

    def _check(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [self.unsendable.get(m.record.seq) for m in messages]

    def end(self, *messages: Message, status: SendStatus = SendStatus.ACCEPTED) -> None:
        self.queue.note_ended([SendResult(one, status) for one in messages])

    def sweep(self) -> None:
        """Look again after the time in which all waiting messages are checked."""
        self.queue._swept_at = -inf
        self.queue.start_due()

    def statuses(self) -> list[tuple[Message, SendStatus]]:
        return [(result.message, result.status) for result in self.reported]


def messages_of(count: int) -> list[Message]:
    return [message(seq) for seq in range(1, count + 1)]


def test_messages_start_as_grants_are_due_in_their_order() -> None:
    grants = Grants(units=2, until=5.0)
    bench = Bench(grants)
    messages = messages_of(4)
    bench.queue.submit(messages)
    assert bench.started == messages[:2]
    assert messages[0].grant == Grant(5.0, TODAY, 1)
    assert messages[2].grant is None
    grants.units = 9
    bench.queue.start_due()
    assert bench.started == messages


def test_no_more_start_than_connections_are_free() -> None:
    bench = Bench(Grants(units=9), connections=2)
    messages = messages_of(3)
    bench.queue.submit(messages)
    assert bench.started == messages[:2]
    assert bench.queue.lacks_connections
    bench.end(messages[0])
    bench.queue.start_due()
    assert bench.started == messages
    assert not bench.queue.lacks_connections


@pytest.mark.parametrize("before", [UNLIMITED, ProviderLimits(concurrency=64)])
@pytest.mark.parametrize("after", [UNLIMITED, ProviderLimits(concurrency=64)])
def test_starts_and_ends_are_counted_under_any_limits(
    before: ProviderLimits, after: ProviderLimits
) -> None:
    """Limits that are set or lifted while messages are under way must not change the count."""
    bench = Bench(Grants(units=1_000, limits=before))
    messages = messages_of(40)
    bench.queue.submit(messages)
    bench.grants.limits = after
    assert bench.queue.under_way == 40
    bench.end(*messages)
    assert bench.queue.under_way == 0


def test_a_new_concurrency_counts_what_is_under_way() -> None:
    bench = Bench(Grants(units=1_000, limits=UNLIMITED), connections=64)
    before = messages_of(64)
    bench.queue.submit(before)
    bench.grants.limits = ProviderLimits(concurrency=5)
    later = messages_of(10)
    bench.queue.submit(later)
    bench.end(*before[:58])
    bench.queue.start_due()
    assert bench.started == before
    bench.end(*before[58:62])
    bench.queue.start_due()
    assert bench.started == before + later[:3]


def test_a_provider_that_reports_at_once_is_kept_busy() -> None:
    """Its results come within `submit`, and what they let start is started behind it."""
    bench = Bench(Grants(units=1_000, limits=ProviderLimits(concurrency=1)))
    depths: list[int] = []

    def submit(messages: Sequence[Message]) -> None:
        bench.started.extend(messages)
        depths.append(len(depths))
        bench.end(*messages)
        bench.queue.start_due()
        depths.pop()

    bench.queue._submit = submit
    messages = messages_of(500)
    bench.queue.submit(messages)
    assert bench.started == messages
    assert bench.queue.under_way == 0


def test_a_message_without_a_grant_waits_where_many_are_due() -> None:
    """The number of those that are due may have changed when they are taken."""
    bench = Bench(Grants(units=5_000))
    bench.queue.limiter.take = lambda units: Taken(1, 5.0)  # type: ignore[method-assign]  # noqa: ARG005
    first, second = message(1), message(2)
    bench.queue.submit([first, second])
    assert bench.started == [first]
    bench.queue.start_due()
    assert bench.started == [first, second]


def test_what_must_not_be_sent_uses_no_grant() -> None:
    bench = Bench(Grants(units=1))
    bench.unsendable = {1: SendStatus.STALE}
    first, second = message(1), message(2)
    bench.queue.submit([first, second])
    bench.queue.start_due()
    assert bench.statuses() == [(first, SendStatus.STALE)]
    assert bench.started == [second]


def test_a_drain_releases_what_waits_for_connections() -> None:
    """All at once, while every connection hangs."""
    bench = Bench(Grants(units=500), connections=1)
    messages = messages_of(300)
    bench.queue.submit(messages)
    bench.unsendable = {one.record.seq: SendStatus.RELEASED for one in messages}
    bench.sweep()
    assert bench.statuses() == [(one, SendStatus.RELEASED) for one in messages[1:]]
    assert len(bench.queue) == 0


@pytest.mark.parametrize(("breaker", "day"), [(3.0, 0.0), (0.0, 9_999.0)])
def test_messages_of_a_resting_provider_leave_the_claim(breaker: float, day: float) -> None:
    bench = Bench(Grants(units=5, day_used_up_for=day))
    bench.rest = breaker
    messages = messages_of(3)
    bench.queue.submit(messages)
    assert bench.statuses() == [(one, SendStatus.NOT_GRANTED) for one in messages]
    assert bench.started == []


def test_what_has_no_grant_any_more_leaves_the_claim() -> None:
    """The limit was lowered, or the leases stall; those with a grant stay, and start in order."""
    grants = Grants(units=0)
    bench = Bench(grants)
    messages = messages_of(8)
    bench.queue.claimable(0.25)
    bench.queue.submit(messages)
    bench.queue.limiter.claimable = lambda *_: 3  # type: ignore[method-assign]
    bench.sweep()
    bench.sweep()
    assert bench.statuses() == [(one, SendStatus.NOT_GRANTED) for one in messages[3:]]
    grants.units = 9
    bench.queue.start_due()
    assert bench.started == messages[:3]


def test_a_lower_concurrency_keeps_what_it_starts_in_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(provider_grant_queue, "monotonic", lambda: now)
    bench = Bench(Grants(units=1_000, limits=ProviderLimits(concurrency=2)))
    messages = messages_of(50)
    bench.queue.submit(messages)
    for _ in range(12):
        now += provider_grant_queue.STARTED_SPAN / 2
        bench.sweep()
    assert bench.statuses() == [(one, SendStatus.NOT_GRANTED) for one in messages[4:]]


def test_long_messages_wait_for_all_their_segments() -> None:
    grants = Grants(units=4, limits=replace(PER_DAY, unit=LimitUnit.SEGMENTS))
    bench = Bench(grants)
    bench.queue.submit([message(3), message(2)])
    assert [one.record.seq for one in bench.started] == [3]
    grants.units += 1
    bench.queue.start_due()
    assert [one.record.seq for one in bench.started] == [3, 2]


def test_units_of_a_day_come_back_from_what_took_them() -> None:
    """Those of a message that reached the provider are used, and others took none."""
    grants = Grants(units=2)
    bench = Bench(grants)
    sent, missed = message(1), message(2)
    bench.queue.submit([sent, missed])
    bench.end(sent)
    bench.end(missed, status=SendStatus.NOT_GRANTED)
    bench.end(missed, message(3), status=SendStatus.CIRCUIT_OPEN)
    assert grants.returned == [(TODAY, 1)]
    assert missed.grant is None


def test_units_come_back_by_the_amount_that_was_taken() -> None:
    """The unit of the limit may have changed meanwhile."""
    grants = Grants(units=3, limits=replace(PER_DAY, unit=LimitUnit.SEGMENTS))
    bench = Bench(grants)
    one = message(3)
    bench.queue.submit([one])
    grants.limits = UNLIMITED
    bench.end(one, status=SendStatus.EXPIRED)
    assert grants.returned == [(TODAY, 3)]


@pytest.mark.parametrize(
    ("limits", "grant", "is_allowed"),
    [
        (PER_DAY, None, False),
        (PER_DAY, Grant(inf), False),
        (PER_DAY, Grant(inf, TODAY, 1), True),
        (PER_DAY, Grant(0.0, TODAY, 1), False),
        (ProviderLimits(concurrency=5), None, False),
        (ProviderLimits(concurrency=5), Grant(inf), True),
    ],
    ids=["none", "not of a day", "of a day", "missed", "queued before", "granted"],
)
def test_a_message_starts_with_a_valid_grant_only(
    limits: ProviderLimits, grant: Grant | None, is_allowed: bool
) -> None:
    bench = Bench(Grants(limits=limits))
    one = message(1)
    one.grant = grant
    statuses = bench.queue.require_grants([one], [None])
    assert statuses == [None if is_allowed else SendStatus.NOT_GRANTED]


YESTERDAY = date(2026, 12, 31)
MISSED = Grant(0.0, YESTERDAY, 2)


@pytest.mark.parametrize(
    ("unit", "units", "missed", "allowed"),
    [
        (LimitUnit.MESSAGES, 3, [MISSED] * 2, 2),
        (LimitUnit.MESSAGES, 1, [MISSED] * 2, 1),
        (LimitUnit.SEGMENTS, 4, [MISSED] * 2, 2),
        (LimitUnit.SEGMENTS, 3, [MISSED] * 2, 1),
        (LimitUnit.MESSAGES, 3, [None], 0),
        (LimitUnit.MESSAGES, 3, [Grant(0.0)], 0),
        (LimitUnit.MESSAGES, 3, [MISSED._replace(day_until=0.0)], 0),
    ],
    ids=["enough", "one", "segments", "one long", "none", "not of a day", "of a day that is over"],
)
def test_a_late_message_takes_another_grant_that_is_due(
    unit: LimitUnit, units: int, missed: list[Grant | None], allowed: int
) -> None:
    """Its units of the day stay those that it took before."""
    bench = Bench(Grants(units=units, limits=replace(PER_DAY, unit=unit)))
    late = messages_of(len(missed))
    for message_, grant in zip(late, missed, strict=True):
        message_.grant = grant
    statuses = bench.queue.require_grants(late, [None] * len(late))
    assert statuses == [None] * allowed + [SendStatus.NOT_GRANTED] * (len(late) - allowed)
    assert [one.grant for one in late[:allowed]] == [Grant(inf, YESTERDAY, 2)] * allowed


def test_of_many_grants_some_are_taken_at_once_for_late_messages() -> None:
    """They are for later ones as long as they last, and are lost then."""
    bench = Bench(Grants(units=2 * provider_grant_queue.LATE_SHARE))
    late = messages_of(3)
    for one in late:
        one.grant = MISSED
        assert bench.queue.require_grants([one], [None]) == [None]
    assert bench.grants.units == 2 * provider_grant_queue.LATE_SHARE - 3
    bench = Bench(Grants(units=2 * provider_grant_queue.LATE_SHARE, until=0.0))
    late[0].grant = MISSED
    assert bench.queue.require_grants(late[:1], [None]) == [None]
    late[1].grant, bench.grants.units = MISSED, 0
    assert bench.queue.require_grants(late[1:2], [None]) == [SendStatus.NOT_GRANTED]


def test_nothing_starts_while_live_limits_are_not_known() -> None:
    bench = Bench(Grants(limits=UNLIMITED))
    bench.grants.is_fresh = False
    (one,) = messages_of(1)
    bench.queue.submit([one])
    assert bench.started == []
    assert bench.queue.require_grants([one], [None]) == [SendStatus.NOT_GRANTED]
    bench.grants.is_fresh, bench.grants.units = True, 1
    bench.queue.start_due()
    assert bench.started == [one]


def test_no_grant_is_looked_for_while_connections_lack() -> None:
    bench = Bench(Grants(units=9), connections=1)
    bench.queue.submit(messages_of(3))
    assert bench.queue.next_in() == SWEEP_INTERVAL


def test_messages_with_a_grant_of_their_rate_go_first() -> None:
    grants = Grants()
    bench = Bench(grants)
    waiting, rated = messages_of(2), [message(3), message(4)]
    bench.queue.submit(waiting)
    bench.queue.submit(rated, first=True)
    grants.units = 3
    bench.queue.start_due()
    assert bench.started == [*rated, waiting[0]]
