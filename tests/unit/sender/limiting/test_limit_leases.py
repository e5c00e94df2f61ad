"""Turns of several limiters, and the live limits that they follow."""

import threading
from decimal import Decimal
from typing import Any

import pytest
import structlog

from campaign_common.domain.limits.concurrency import SenderShards
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.limits.live_limits import LiveLimits
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.limit_leases import LIMITS_FRESH_FOR, LimitLeases, Load
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from tests.support.waiting import wait_until
from tests.unit.sender.limiting.tables import Tables

LIMITED = ProviderLimits(Decimal(10))


class Bench:
    """Leases of a limited provider and of one without limits."""

    def __init__(self, tables: Tables) -> None:
        database: Any = tables
        self.tables = tables
        clock = DatabaseClock(tables.clock)
        self.limiters = {
            name: ProviderLimiter(database, name, "0" * 16, limits, clock)
            for name, limits in (("a", LIMITED), ("b", LIMITED), ("free", ProviderLimits()))
        }
        self.turns: list[str] = []
        make_rate: Any = None
        self.leases = LimitLeases(
            database,
            "0" * 16,
            self.limiters,
            Load(lambda _: 5, lambda: 0.5, lambda: SenderShards((4, 4), 1)),
            Routes(),
            CampaignPaces(make_rate, tables.clock),
            clock,
        )

    def fail(self, name: str, error: Exception) -> None:
        """Have the turns of a limiter fail."""

        def turn(_: int) -> float:
            self.turns.append(name)
            raise error

        self.limiters[name].turn = turn  # type: ignore[method-assign]

    def count(self, name: str) -> None:
        """Count the turns of a limiter."""

        def turn(_: int) -> float:
            self.turns.append(name)
            return 0.1

        self.limiters[name].turn = turn  # type: ignore[method-assign]


@pytest.fixture
def bench(tables: Tables) -> Bench:
    return Bench(tables)


def test_nothing_is_granted_before_limits_are_read(bench: Bench) -> None:
    free = bench.limiters["free"]
    assert free.needs_grants
    bench.leases.read_live()
    assert not free.needs_grants
    assert free.share == 0.5
    assert free.sender_shards == SenderShards((4, 4), 1)
    bench.tables.now += LIMITS_FRESH_FOR + 0.1
    assert free.needs_grants


def test_live_limits_replace_configured_ones(bench: Bench) -> None:
    bench.tables.live["free"] = LiveLimits(ProviderLimits(per_day=5), 3)
    bench.leases.read_live()
    assert bench.limiters["free"].limits == ProviderLimits(per_day=5)
    bench.tables.live.clear()
    bench.leases.read_live()
    assert bench.limiters["free"].limits == ProviderLimits()


def test_unreadable_limits_stop_their_provider_alone(bench: Bench) -> None:
    bench.tables.live["free"] = LiveLimits(None, 3)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            bench.leases.read_live()
    assert bench.limiters["free"].claimable(0.25, 0) == 0
    assert bench.limiters["a"].is_fresh
    assert [one["provider"] for one in logs if one["log_level"] == "error"] == ["free"]


@pytest.mark.parametrize("error", [ValueError("unexpected"), DatabaseUnavailable("down")])
def test_a_failure_of_one_leaves_the_others_alone(bench: Bench, error: Exception) -> None:
    bench.fail("a", error)
    bench.count("b")
    assert bench.leases.step("a") > 0
    assert bench.leases.step("b") > 0
    assert bench.turns == ["a", "b"]


def test_turns_of_a_provider_do_not_wait_for_another(bench: Bench) -> None:
    """Each has a thread of its own: a turn takes long where the database is far."""
    began, release = threading.Event(), threading.Event()

    def slow(_: int) -> float:
        began.set()
        assert release.wait(10)
        return 0.1

    bench.limiters["a"].turn = slow  # type: ignore[method-assign]
    bench.count("b")
    bench.leases.start()
    try:
        assert began.wait(10)
        wait_until(lambda: bench.turns.count("b") >= 3, 10)
    finally:
        release.set()
        bench.leases.stop()


def test_limits_are_not_fresh_while_the_database_is_down(bench: Bench) -> None:
    bench.leases.read_live()
    bench.tables.is_down = True
    bench.tables.now += LIMITS_FRESH_FOR + 0.1
    with pytest.raises(DatabaseUnavailable):
        bench.leases.read_live()
    assert bench.limiters["free"].claimable(0.25, 0) == 0
