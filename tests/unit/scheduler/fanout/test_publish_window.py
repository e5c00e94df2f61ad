"""The window against simulated senders: each tick publishes what it allows and sends some."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.store.limits.publishing import LimitedProvider, PublishBounds
from campaign_scheduler.fanout.publish_window import MIN_LIMIT, PublishWindow, ceiling_of

TICK = 0.2
CHUNK = 10_000
SECONDS = 4.0


@dataclass
class Simulation:
    """Fan-out at `publish_rate` and senders at `send_rate`, both in messages a second.

    A message is at the provider for `latency` seconds, and no more than `in_flight` are.
    """

    window: PublishWindow
    publish_rate: float = 100_000
    latency: float = 0.0
    in_flight: int = 0
    now: float = 0.0
    published: int = 0
    claimed_in_all: int = 0
    recorded: int = 0
    at_provider: deque[tuple[float, int]] = field(default_factory=deque)

    def run(self, seconds: float, send_rate: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.window.sample(self.now, self.recorded, self.queued)
            self._publish()
            self.now += TICK
            able = round(send_rate * self.now) - round(send_rate * (self.now - TICK))
            self._send(able)

    def _send(self, able: int) -> None:
        while self.at_provider and self.at_provider[0][0] <= self.now:
            self.recorded += self.at_provider.popleft()[1]
        able = min(able, self.published - self.claimed_in_all)
        if self.latency:
            able = min(able, self.in_flight - (self.claimed_in_all - self.recorded))
            self.at_provider.append((self.now + self.latency, able))
        else:
            self.recorded += able
        self.claimed_in_all += able

    def _publish(self) -> None:
        left = int(self.publish_rate * TICK)
        while left > 0:
            allowance = self.window.allowance(self.queued, CHUNK)
            if not allowance:
                return
            self.published += allowance
            left -= allowance

    @property
    def queued(self) -> int:
        return self.published - self.claimed_in_all

    @property
    def outstanding(self) -> int:
        return self.published - self.recorded


def simulation() -> Simulation:
    return Simulation(PublishWindow(SECONDS, 2 * CHUNK))


def test_a_new_campaign_begins_with_two_chunks() -> None:
    window = PublishWindow(SECONDS, 2 * CHUNK)
    assert window.allowance(0, CHUNK) == CHUNK
    assert window.allowance(CHUNK, CHUNK) == CHUNK
    assert window.allowance(2 * CHUNK, CHUNK) == 0


def test_fast_senders_are_never_held_back_by_the_window() -> None:
    fast = simulation()
    fast.run(10, send_rate=70_000)
    assert fast.recorded >= 70_000 * 10 * 0.97
    assert fast.outstanding > 0, "they always had something to do"


@pytest.mark.parametrize("rate", [100, 1_000, 20_000, 70_000])
def test_what_is_outstanding_is_worth_the_configured_seconds(rate: int) -> None:
    steady = simulation()
    steady.run(30 + 2 * CHUNK / rate, send_rate=rate)
    assert 0.5 * SECONDS * rate <= steady.outstanding <= 1.3 * SECONDS * rate


def test_a_slow_campaign_keeps_only_hundreds_outstanding() -> None:
    slow = simulation()
    slow.run(2 * CHUNK / 100 + 60, send_rate=100)
    assert slow.outstanding < 1_000


def test_a_slow_campaign_is_published_in_small_chunks() -> None:
    slow = simulation()
    slow.run(2 * CHUNK / 100 + 60, send_rate=100)
    slow.recorded = slow.published
    assert slow.window.allowance(0, CHUNK) <= slow.window.limit < 1_000


@pytest.mark.parametrize("latency", [2.0, 10.0])
def test_a_slow_provider_gets_as_many_as_it_can_be_sent(latency: float) -> None:
    """A provider that takes longer than the window gets as many as it can be sent."""
    patient = Simulation(PublishWindow(1.0, 2 * CHUNK), latency=latency, in_flight=8_000)
    patient.run(60, send_rate=40_000)
    before = patient.recorded
    patient.run(60, send_rate=40_000)
    assert patient.recorded - before >= 0.9 * 60 * 8_000 / (latency + TICK)


def test_senders_that_stop_are_not_buried_under_messages() -> None:
    stopped = simulation()
    stopped.run(5, send_rate=50_000)
    before = stopped.published
    stopped.run(60, send_rate=0)
    assert stopped.published - before < 50_000
    assert stopped.window.limit == MIN_LIMIT


def test_senders_that_come_back_are_soon_at_full_speed_again() -> None:
    back = simulation()
    back.run(5, send_rate=50_000)
    back.run(20, send_rate=0)
    before = back.recorded
    back.run(10, send_rate=50_000)
    assert back.recorded - before >= 50_000 * 10 * 0.95


def test_a_pause_of_fan_out_does_not_shrink_the_window() -> None:
    paused = simulation()
    paused.run(5, send_rate=50_000)
    limit = paused.window.limit
    paused.publish_rate = 0
    paused.run(30, send_rate=50_000)
    assert paused.outstanding == 0
    assert paused.window.limit >= min(limit, 2 * CHUNK)


def test_a_shrunken_window_grows_when_senders_wait() -> None:
    """A window that shrank grows again when senders wait for more."""
    grown = simulation()
    grown.run(30, send_rate=0)
    assert grown.window.limit == MIN_LIMIT
    grown.run(30, send_rate=40_000)
    before = grown.recorded
    grown.run(10, send_rate=40_000)
    assert grown.recorded - before >= 40_000 * 10 * 0.95


@pytest.mark.parametrize(
    ("per_second", "campaigns", "day_left", "ceiling"),
    [
        ("500", 1, None, 1_000),
        ("500", 4, None, 250),
        ("0.1", 3, None, 1),
        ("500", 1, 7, 7),
        ("500", 1, 0, 0),
        (None, 1, 40, 40),
    ],
)
def test_two_seconds_of_what_limits_let_through_are_published(
    per_second: str | None, campaigns: int, day_left: int | None, ceiling: int
) -> None:
    rate = None if per_second is None else Decimal(per_second)
    provider = LimitedProvider(ProviderLimits(per_second=rate), 1 / campaigns, day_left)
    assert ceiling_of(PublishBounds(None, [provider])) == ceiling


@pytest.mark.parametrize(
    ("max_rate", "per_second", "ceiling"),
    [("20", None, 40), ("0.1", None, 1), ("20", "500", 40), ("500", "20", 40)],
)
def test_two_seconds_of_a_campaigns_rate_are_published(
    max_rate: str, per_second: str | None, ceiling: int
) -> None:
    limits = [] if per_second is None else [ProviderLimits(per_second=Decimal(per_second))]
    providers = [LimitedProvider(one, 1.0, None) for one in limits]
    assert ceiling_of(PublishBounds(Decimal(max_rate), providers)) == ceiling


@pytest.mark.parametrize(("queued", "published"), [(0, 20), (12, 8), (16, 0), (20, 0)])
def test_the_first_chunk_keeps_to_the_limits_too(queued: int, published: int) -> None:
    assert PublishWindow(1.0, 2 * CHUNK).allowance(queued, CHUNK, ceiling=20) == published
