"""Slots shared by senders that pause, die, sleep and wake, on clocks that differ and jump."""

from decimal import Decimal
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.limits.slots import quota_of
from tests.unit.common.domain.limits.simulation import (
    Server,
    SimulatedSender,
    fullest_window,
    per_slot,
    run,
)

RATES = [Decimal(text) for text in ("0.3", "1", "7.5", "50", "240", "500")]


NAMES = count()


def _senders(random: Random, number: int) -> list[SimulatedSender]:
    return [
        SimulatedSender(
            f"{next(NAMES):04x}",
            Random(random.random()),  # noqa: S311 - test data
            skew=random.uniform(-1e6, 1e6),
            drift=random.uniform(-400e-6, 400e-6),
        )
        for _ in range(number)
    ]


def _assert_bounds(senders: list[SimulatedSender], server: Server) -> None:
    for slot, starts in per_slot(senders).items():
        assert starts <= quota_of(slot, server.per_second)
    assert fullest_window(senders) <= 1.05 * float(server.per_second) + 1


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from(RATES), number=st.integers(1, 6))
def test_no_slot_and_no_second_exceeds_its_quota(seed: int, rate: Decimal, number: int) -> None:
    """Whichever senders are killed, sleep or start, however their clocks run."""
    random = Random(seed)  # noqa: S311 - test data
    server = Server(rate)
    senders = _senders(random, number)
    real = 0.0
    for _ in range(5):
        run(senders, server, span := random.uniform(0.3, 2.0), begin=real)
        real += span
        one = random.choice(senders)
        match random.choice(["kill", "sleep", "start", "idle"]):
            case "kill":
                one.dead = True
                senders += _senders(random, 1)
            case "sleep":
                one.asleep_until = real + random.uniform(0.01, 5.0)
            case "start":
                senders += _senders(random, 1)
            case "idle":
                one.backlog = random.choice([0, 3, 10**9])
    _assert_bounds(senders, server)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    step=st.sampled_from([-3600.0, -7.3, -1.6, -0.3, 0.3, 0.7, 1.6, 2.4, 7.3, 3600.0]),
    other=st.booleans(),
)
def test_a_clock_that_jumps_grants_nothing_twice(seed: int, step: float, other: bool) -> None:
    """Nor does another server with another clock, which has the rows of the first one."""
    random = Random(seed)  # noqa: S311 - test data
    server = Server(Decimal(100))
    senders = _senders(random, 3)
    run(senders, server, 5 + random.random(), begin=0.0)
    server.ahead += step
    server.name = "two" if other else server.name
    run(senders, server, 16.0, begin=6.0)
    assert fullest_window(senders) <= 106
    latest = max(start for sender in senders for start in sender.starts)
    assert latest > 15, "nothing is sent again"


@pytest.mark.parametrize("rate", RATES)
def test_undisturbed_senders_use_what_is_granted(rate: Decimal) -> None:
    server = Server(rate)
    senders = _senders(Random(4), 4)  # noqa: S311 - test data
    for sender in senders:
        sender.random.random = lambda: 0.5  # type: ignore[method-assign] # no pauses
    run(senders, server, 4.0, begin=0.0)
    run(senders, server, 16.0, begin=4.0)
    used = sum(1 for sender in senders for start in sender.starts if start >= 4.0)
    assert used >= 0.97 * float(rate) * 16 - 1


def test_spare_grants_are_taken_once() -> None:
    """By senders that have little to send, at times."""
    random = Random(6)  # noqa: S311 - test data
    server = Server(Decimal(50))
    senders = _senders(random, 5)
    for sender in senders:
        sender.held_up = 0.0
    for turn in range(40):
        for sender in senders:
            sender.backlog = random.choice([0, 0, 0, 30])
        run(senders, server, 0.4, begin=turn * 0.4)
    _assert_bounds(senders, server)
    assert sum(len(sender.starts) for sender in senders) > 100


def test_a_few_messages_do_not_wait_for_the_next_slot() -> None:
    """Spare grants of the running slot serve work that comes unexpected."""
    server = Server(Decimal(100))
    senders = _senders(Random(5), 2)  # noqa: S311 - test data
    for sender in senders:
        sender.backlog, sender.held_up = 0, 0.0
    run(senders, server, 5.2, begin=0.0)
    senders[0].backlog = 20
    run(senders, server, 1.0, begin=5.2)
    assert len(senders[0].starts) == 20


def test_long_messages_of_disturbed_senders_keep_the_rate() -> None:
    """No second has more than its quota, and what one message costs."""
    random = Random(8)  # noqa: S311 - test data
    server = Server(Decimal(30))
    senders = _senders(random, 4)
    for sender in senders:
        sender.cost = 5
    run(senders, server, 6.0, begin=0.0)
    senders[0].dead = True
    senders[1].asleep_until = 8.0
    run(senders, server, 8.0, begin=6.0)
    assert 5 * fullest_window(senders) <= 1.05 * 30 + 5
    assert 5 * sum(len(sender.starts) for sender in senders) >= 30 * 14 / 2
