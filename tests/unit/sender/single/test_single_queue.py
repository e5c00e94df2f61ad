"""Single messages that wait for grants, with grants that the test gives."""

from dataclasses import dataclass, field
from math import inf

import pytest

from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.store.messages.single_messages import NO_CAMPAIGN, TakenSingleMessage
from campaign_sender.limiting.slot_lease import Taken
from campaign_sender.single.single_message import SingleMessage, single_message
from campaign_sender.single.single_queue import LEFT_FOR, TAKEN_FOR, SingleQueue


@dataclass
class Grants:
    """Grants that are due, in place of a limiter's."""

    units: int = 0
    rate: float | None = 10.0
    until: float = 100.0
    is_fresh: bool = True
    wanted_beside: int = 0
    cost: int = 1

    def take_beside(self, cost: int) -> Taken | None:
        if self.units < cost:
            return None
        self.units -= cost
        return Taken(cost, self.until)

    def cost_of(self, _: SingleMessage) -> int:
        return self.cost

    def next_in(self) -> float | None:
        return 0.01


@dataclass
class Bench:
    """A queue and what it has started."""

    grants: Grants = field(default_factory=Grants)
    now: float = 50.0
    started: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = SingleQueue(
            self.grants,  # type: ignore[arg-type]
            lambda messages: self.started.extend(one.single_id for one in messages),
            lambda: self.now,
        )


def single(single_id: int, taken_at: float = 50.0) -> SingleMessage:
    taken = TakenSingleMessage(
        single_id,
        ReferencePurpose.ANSWER,
        NO_CAMPAIGN,
        "one",
        "4917612345678",
        Rendered("hi"),
        None,
    )
    return single_message(taken, taken_at)


def test_single_messages_start_by_grants_in_their_order() -> None:
    bench = Bench(Grants(units=2))
    bench.queue.add([single(1), single(2), single(3)])
    assert (bench.started, bench.grants.wanted_beside) == ([1, 2], 1)
    bench.queue.add([single(4)], first=True)
    bench.grants.units = 1
    bench.queue.start_due()
    assert (bench.started, len(bench.queue), bench.grants.wanted_beside) == ([1, 2, 4], 1, 1)


def test_a_message_of_several_segments_takes_as_many_grants() -> None:
    bench = Bench(Grants(units=3, cost=2))
    bench.queue.add([single(1), single(2)])
    assert (bench.started, bench.grants.units) == ([1], 1)


@pytest.mark.parametrize(("units", "may_start"), [(0, False), (1, True)])
def test_one_that_missed_its_grant_needs_another_one(units: int, may_start: bool) -> None:
    bench = Bench(Grants(units=1))
    one = single(1)
    bench.queue.add([one])
    assert bench.queue.may_start(one)
    bench.now, bench.grants.until, bench.grants.units = 100.1, 200.0, units
    assert bench.queue.may_start(one) is may_start


def test_a_new_limit_holds_for_what_has_no_grant() -> None:
    bench = Bench(Grants(units=1, until=inf))
    one = single(1)
    bench.queue.add([one])
    assert bench.started == [1]
    assert not bench.queue.may_start(one)


def test_what_waits_too_long_is_taken_out() -> None:
    bench = Bench()
    bench.queue.add([single(1, 40.0), single(2, 45.0)])
    assert [one.single_id for one in bench.queue.take_out(45.0)] == [1]
    bench.grants.units = 5
    bench.queue.start_due()
    assert (bench.started, bench.grants.wanted_beside) == ([2], 0)
    assert bench.queue.take_out() == []


def test_what_is_taken_out_is_left_to_others_for_a_moment() -> None:
    bench = Bench()
    bench.queue.add([single(1)])
    bench.queue.take_out()
    assert bench.queue.room(20) == 0
    bench.now += LEFT_FOR
    assert bench.queue.room(20) == 20


@pytest.mark.parametrize(
    ("rate", "is_fresh", "room"),
    [
        (None, True, 19),
        (1.0, True, int(TAKEN_FOR) - 1),
        (0.1, True, 0),
        (1000.0, True, 19),
        (None, False, 0),
    ],
)
def test_a_sender_takes_what_it_can_start_soon(
    rate: float | None, is_fresh: bool, room: int
) -> None:
    bench = Bench(Grants(rate=rate, is_fresh=is_fresh))
    bench.queue.add([single(1)])
    assert bench.queue.room(20) == room
