"""Slots shared by senders that pause, die, sleep and wake, on clocks that differ and jump."""

from decimal import Decimal
from itertools import count
from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.limits.slots import GRANT_LIFETIME, quota_of
from campaign_common.domain.limits.turn_times import TurnTimes
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


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    step=st.sampled_from([-7.3, -1.6, -0.3, 0.3, 0.7, 1.6, 2.4, 7.3]),
    stepped=st.sampled_from(["clock", "server", "both"]),
)
def test_slots_behind_a_gap_grant_nothing_twice(seed: int, step: float, stepped: str) -> None:
    """Messages come after a pause, while the clock jumps or another server answers."""
    random = Random(seed)  # noqa: S311 - test data
    server = Server(Decimal(100))
    senders = _senders(random, 4)
    run(senders, server, 5 + random.random(), begin=0.0)
    jumps_at = random.uniform(8.0, 14.0)
    for sender in senders[:-1]:
        sender.idle_until = jumps_at + random.uniform(-2.0, 4.0)
    senders[-1].backlog = random.choice([0, 200, 10**9])
    senders[-1].held_up = 0.7
    run(senders, server, jumps_at - 6.0, begin=6.0)
    server.ahead += step if stepped != "server" else 0.0
    server.name = "two" if stepped != "clock" else server.name
    run(senders, server, 26.0 - jumps_at, begin=jumps_at)
    assert fullest_window(senders) <= 106
    latest = max(start for sender in senders for start in sender.starts)
    assert latest > 23, "nothing is sent again"


@pytest.mark.parametrize("idle", [1.0, 3.0, 60.0])
def test_messages_behind_a_pause_wait_for_the_next_slot(idle: float) -> None:
    """Two slots without a grant would be due behind a gap if nobody had followed the clock."""
    server = Server(Decimal(50))
    senders = _senders(Random(7), 2)  # noqa: S311 - test data
    for sender in senders:
        sender.held_up = 0.0
    run(senders, server, 6.0, begin=0.0)
    for sender in senders:
        sender.idle_until = 6.0 + idle
        sender.starts.clear()
    run(senders, server, idle + 3.0, begin=6.0)
    first = min(start for sender in senders for start in sender.starts)
    assert first < 6.0 + idle + 1.2


Far = tuple[float, float]

FAR: list[Far] = [(0.02, 0.04), (0.05, 0.15), (0.149, 0.151), (0.01, 0.29)]
"""Seconds of one way to a database that is far, at least and at most."""

LONGEST_TRIP = 0.6

OF_RATES = 0.25


def _distant(random: Random, number: int, latest: float, far: Far | None) -> list[SimulatedSender]:
    senders = _senders(random, number)
    for sender in senders:
        sender.latest, sender.far = latest, far
        sender.__post_init__()
    return senders


def _disturb(random: Random, senders: list[SimulatedSender], real: float) -> None:
    one = random.choice(senders)
    match random.choice(["kill", "sleep", "move", "idle"]):
        case "kill":
            one.dead = True
            senders += _distant(random, 1, one.latest, one.far)
        case "sleep":
            one.asleep_until = real + random.uniform(0.01, 5.0)
        case "move":
            one.far = random.choice([None, *FAR])
        case "idle":
            one.backlog = random.choice([0, 3, 10**9])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rate=st.sampled_from(RATES),
    far=st.sampled_from(FAR),
    latest=st.sampled_from([GRANT_LIFETIME, OF_RATES]),
    step=st.sampled_from([0.0, 0.0, -3600.0, -1.6, -0.4, 0.4, 1.6, 3600.0]),
)
def test_a_distant_database_grants_nothing_twice(
    seed: int, rate: Decimal, far: Far, latest: float, step: float
) -> None:
    """Though each statement takes long, and senders die, sleep, and are near or far."""
    random = Random(seed)  # noqa: S311 - test data
    server = Server(rate)
    senders = _distant(random, random.randint(1, 4), latest, far)
    senders[0].times = TurnTimes(senders[0].name)
    real = 0.0
    for turn in range(6):
        run(senders, server, span := random.uniform(0.5, 2.5), begin=real)
        real += span
        _disturb(random, senders, real)
        server.ahead += step if turn == 3 else 0
    # A grant of a rate waits, and each sender knows the time within half a round trip only.
    late = 0.05 if latest == GRANT_LIFETIME else latest + LONGEST_TRIP / 2
    assert fullest_window(senders) <= (1 + late) * ceil(rate) + 1
    if latest == GRANT_LIFETIME and not step:
        assert all(n <= quota_of(slot, rate) for slot, n in per_slot(senders).items())


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize(("latest", "used_at_least"), [(GRANT_LIFETIME, 0.65), (OF_RATES, 0.95)])
def test_300_ms_to_the_database_leave_time_to_plan(
    latest: float, used_at_least: float, number: int
) -> None:
    """A provider's grants near both ends of a slot are lost, as the time is known less exactly."""
    server = Server(Decimal(50))
    senders = _distant(Random(4), number, latest, (0.149, 0.151))  # noqa: S311 - test data
    for place, sender in enumerate(senders):
        sender.times = TurnTimes(f"{place * 0xFFFF // max(1, number - 1):04x}")
        sender.random.random = lambda: 0.5  # type: ignore[method-assign] # no pauses
    run(senders, server, 6.0, begin=0.0)
    run(senders, server, 10.0, begin=6.0)
    used = sum(1 for sender in senders for start in sender.starts if start >= 6.0)
    assert used >= used_at_least * 50 * 10


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
