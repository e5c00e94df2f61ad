"""Deficit round robin between the campaigns of a provider."""

from collections import Counter

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_sender.in_flight.admitted_queue import AdmittedQueue
from campaign_sender.message import Message
from tests.unit.sender.messages import message

A, B, C = CampaignId(1), CampaignId(2), CampaignId(3)


class Bench:
    """A queue with messages of campaigns, of the priorities that a test gives."""

    def __init__(self, **priorities: int) -> None:
        names = {"a": A, "b": B, "c": C}
        self.priorities = {names[name]: priority for name, priority in priorities.items()}
        self.queue = AdmittedQueue(lambda campaign_id: self.priorities[campaign_id])
        self._seq = 0

    def add(self, campaign_id: CampaignId, count: int) -> list[Message]:
        first = self._seq + 1
        self._seq += count
        added = [message(seq, campaign_id=campaign_id) for seq in range(first, first + count)]
        self.queue.extend(campaign_id, added)
        return added

    def take(self, n: int, **options: object) -> Counter[int]:
        """Take messages; return their number by campaign."""
        allowed = options.pop("allowed", {})
        taken = self.queue.take(n, allowed, **options)  # type: ignore[arg-type]
        return Counter(one.campaign_id for one in taken)


@pytest.mark.parametrize(
    ("priorities", "shares"),
    [
        ({"a": 5, "b": 5}, {A: 55, B: 55}),
        ({"a": 1, "b": 10}, {A: 10, B: 100}),
        ({"a": 10, "b": 1}, {A: 100, B: 10}),
        ({"a": 6, "b": 3, "c": 2}, {A: 60, B: 30, C: 20}),
    ],
)
@pytest.mark.parametrize("batch", [1, 7, 110])
def test_campaigns_share_by_their_priorities(
    priorities: dict[str, int], shares: dict[int, int], batch: int
) -> None:
    bench = Bench(**priorities)
    for campaign_id in shares:
        bench.add(campaign_id, 500)
    taken: Counter[int] = Counter()
    while taken.total() < 110:
        taken += bench.take(min(batch, 110 - taken.total()))
    assert {one: taken[one] for one in shares} == pytest.approx(shares, abs=2)


def test_a_campaign_that_begins_has_its_share_at_once() -> None:
    bench = Bench(a=5, b=5)
    bench.add(A, 1_000)
    bench.take(50)
    bench.add(B, 10)
    assert bench.take(20)[B] == pytest.approx(10, abs=1)


def test_messages_of_a_campaign_keep_their_order() -> None:
    bench = Bench(a=1, b=9)
    first, others = bench.add(A, 5), bench.add(B, 50)
    taken = bench.queue.take(55, {})
    assert [one for one in taken if one.campaign_id == A] == first
    assert [one for one in taken if one.campaign_id == B] == others
    assert len(bench.queue) == 0


def test_a_large_batch_is_shared_too() -> None:
    bench = Bench(a=5, b=10)
    bench.add(A, 8_000)
    bench.add(B, 8_000)
    taken = bench.take(3_000)
    assert taken[A] == pytest.approx(1_000, abs=60)


def test_what_is_not_allowed_is_left_to_others() -> None:
    bench = Bench(a=10, b=1)
    bench.add(A, 100)
    bench.add(B, 100)
    assert bench.queue.available({A: 3}) == 103
    assert bench.take(50, allowed={A: 3}) == {A: 3, B: 47}
    assert bench.take(50, allowed={A: 0}) == {B: 50}
    assert bench.take(50, allowed={A: 0}) == {B: 3}


def test_a_campaign_that_was_held_up_does_not_catch_up() -> None:
    bench = Bench(a=5, b=5)
    bench.add(A, 100)
    bench.add(B, 200)
    bench.take(60, allowed={A: 0})
    assert bench.take(20)[A] == pytest.approx(10, abs=1)


def test_shares_count_what_messages_cost() -> None:
    bench = Bench(a=5, b=5)
    bench.add(A, 100)
    bench.add(B, 100)
    taken = bench.take(60, cost_of=lambda one: 4 if one.campaign_id == A else 1)
    assert taken[A] == pytest.approx(12, abs=2)


def test_a_queue_that_is_empty_now_and_then_gets_no_more() -> None:
    """One message at a time is not worth a turn of a whole one each time."""
    bench = Bench(a=1, b=10)
    bench.add(B, 500)
    taken: Counter[int] = Counter()
    for _ in range(110):
        if not bench.queue.count(A):
            bench.add(A, 1)
        taken += bench.take(1)
    assert taken[A] == pytest.approx(10, abs=2)


def test_what_is_put_back_is_taken_first() -> None:
    bench = Bench(a=5)
    added = bench.add(A, 4)
    (taken,) = bench.queue.take(1, {})
    bench.queue.put_back(taken)
    assert bench.queue.take(4, {}) == added


def test_excess_leaves_the_longest_queue() -> None:
    bench = Bench(a=5, b=5)
    long, short = bench.add(A, 8), bench.add(B, 2)
    assert bench.queue.take_excess(5) == long[3:]
    assert list(bench.queue) == [*long[:3], *short]
    assert bench.queue.take_excess_of(A, 1) == long[1:3]
    assert len(bench.queue) == 3


def test_what_is_put_back_is_not_charged_again() -> None:
    """A campaign whose expensive message could not be sent has a turn with the next take."""
    bench = Bench(a=5, b=5)
    bench.add(A, 1)
    bench.add(B, 300)
    for _ in range(5):
        taken = bench.queue.take(2, {}, lambda one: 10 if one.campaign_id == A else 1)
        (back,) = (one for one in taken if one.campaign_id == A)
        bench.queue.put_back(back)


def test_campaigns_that_may_not_be_taken_keep_their_place() -> None:
    """And are looked at once only, however many turns the others have."""
    queue = AdmittedQueue(lambda _: 5)
    for campaign_id in range(1, 5):
        queue.extend(
            CampaignId(campaign_id), [message(n, campaign_id=campaign_id) for n in range(1, 4)]
        )
    taken = queue.take(4, {CampaignId(1): 0, CampaignId(3): 1})
    assert [one.campaign_id for one in taken] == [2, 3, 4, 2]
    assert [one.campaign_id for one in queue.take(2, {})] == [1, 3]
