"""Allowances of campaigns with a rate, and how often they are counted."""

from collections.abc import Collection

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_sender.in_flight.admitted_queue import AdmittedQueue
from campaign_sender.in_flight.claim_window import Unbounded
from campaign_sender.in_flight.rate_allowances import COUNTED_FOR, RateAllowances, use
from tests.unit.sender.messages import message

SLOW, OTHER, FREE = CampaignId(1), CampaignId(2), CampaignId(3)


class Bounds(Unbounded):
    """Rates of two campaigns, and of many without a message here."""

    def __init__(self) -> None:
        self.asked: list[CampaignId] = []
        self.rates = {SLOW: 2, OTHER: 3, **{CampaignId(n): 1 for n in range(10, 1000)}}

    def campaigns_with_rate(self) -> Collection[CampaignId]:
        return self.rates

    def claimable_of(self, campaign_id: CampaignId) -> int | None:
        self.asked.append(campaign_id)
        return self.rates[campaign_id]


class Bench:
    def __init__(self) -> None:
        self.now = 100.0
        self.bounds = Bounds()
        self.allowances = RateAllowances(self.bounds, lambda: self.now)
        self.queue = AdmittedQueue(lambda _: 5)
        for campaign_id in (SLOW, OTHER, FREE):
            messages = [message(seq, campaign_id=campaign_id) for seq in range(1, 6)]
            self.queue.extend(campaign_id, messages)

    def available(self) -> int:
        return self.allowances.available("http", self.queue)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_claims_are_taken_off_what_a_rate_allows(bench: Bench) -> None:
    claims = [message(seq, campaign_id=one) for one in (OTHER, FREE) for seq in range(7, 9)]
    allowed = bench.allowances.of(bench.queue, claims)
    assert allowed == {SLOW: 2, OTHER: 1}
    use(allowed, claims)
    assert allowed == {SLOW: 2, OTHER: 0}


def test_campaigns_in_the_queue_are_counted_now_and_then(bench: Bench) -> None:
    """Not with each notification, and not those of which nothing waits."""
    for _ in range(50):
        assert bench.available() == 2 + 3 + 5
    assert bench.bounds.asked == [SLOW, OTHER]
    bench.bounds.rates[SLOW] = 4
    bench.now += 2 * COUNTED_FOR
    assert bench.available() == 4 + 3 + 5
    bench.queue.extend(FREE, [message(9, campaign_id=FREE)])
    assert bench.available() == 4 + 3 + 5
    bench.allowances.count_again()
    assert bench.available() == 4 + 3 + 6


def test_no_more_are_available_than_wait(bench: Bench) -> None:
    bench.available()
    bench.queue.take_excess(1)
    assert bench.available() == 1


def test_without_rates_all_are_available(bench: Bench) -> None:
    bench.bounds.rates = {}
    assert bench.available() == 15
    assert not bench.bounds.asked
