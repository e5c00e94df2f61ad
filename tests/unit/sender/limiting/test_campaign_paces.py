"""Rates and priorities of the campaigns whose messages are held."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_sender.limiting.campaign_paces import FORGOTTEN_AFTER, CampaignPaces
from tests.unit.sender.messages import version

ONE, OTHER = CampaignId(1), CampaignId(2)


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        make_rate: Any = lambda _: SimpleNamespace(per_second=Decimal(0))  # noqa: E731
        self.paces = CampaignPaces(make_rate, lambda: self.now)

    def read(self, campaign_id: CampaignId, max_rate: str | None, priority: int = 5) -> None:
        pace = CampaignPace(None if max_rate is None else Decimal(max_rate), priority)
        self.paces.update({campaign_id: version(pace=pace)})


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_only_campaigns_with_a_rate_need_grants(bench: Bench) -> None:
    bench.read(ONE, "20")
    bench.read(OTHER, None, priority=9)
    assert list(bench.paces.rates) == [ONE]
    assert bench.paces.rates[ONE].per_second == 20
    assert [bench.paces.priority_of(one) for one in (ONE, OTHER)] == [5, 9]


def test_a_rate_that_is_changed_keeps_its_grants(bench: Bench) -> None:
    bench.read(ONE, "20")
    lease = bench.paces.rates[ONE]
    bench.read(ONE, "0.5")
    assert bench.paces.rates[ONE] is lease
    assert lease.per_second == Decimal("0.5")
    bench.read(ONE, None)
    assert not bench.paces.rates


def test_a_campaign_that_is_not_held_any_more_is_forgotten(bench: Bench) -> None:
    bench.read(ONE, "20", priority=9)
    bench.now += FORGOTTEN_AFTER
    bench.read(OTHER, None)
    assert list(bench.paces.rates) == [ONE]
    bench.now += 0.1
    bench.read(OTHER, None)
    assert not bench.paces.rates
    assert bench.paces.priority_of(ONE) == 5
