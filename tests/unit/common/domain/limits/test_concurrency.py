"""Division of the requests under way between senders."""

from collections.abc import Sequence
from random import Random

import pytest

from campaign_common.domain.limits.concurrency import ALONE, SenderShards, divide_requests


@pytest.mark.parametrize(
    ("total", "shards", "parts"),
    [
        pytest.param(20, (8,), (20,), id="one-sender-has-all"),
        pytest.param(20, (4, 4), (10, 10), id="even"),
        pytest.param(3, (4, 4), (2, 1), id="nothing-is-lost-to-rounding"),
        pytest.param(10, (3, 3, 2), (4, 4, 2), id="by-largest-remainder"),
        pytest.param(11, (6, 1, 1), (8, 2, 1), id="equal-remainders-by-order"),
        pytest.param(3, (6, 1, 1), (1, 1, 1), id="the-least-of-one-is-within-the-total"),
        pytest.param(3, (14, 1), (2, 1), id="one-shard-of-many"),
        pytest.param(3, (2, 2, 2, 2), (1, 1, 1, 1), id="more-senders-than-requests"),
        pytest.param(1, (5, 3), (1, 1), id="one-request"),
        pytest.param(5, (0, 8), (1, 4), id="a-sender-without-a-shard"),
    ],
)
def test_requests_are_divided_by_shards(
    total: int, shards: Sequence[int], parts: tuple[int, ...]
) -> None:
    assert divide_requests(total, shards) == parts


def test_parts_add_up_to_the_total() -> None:
    """Each has one at least, and the sum is never more than the total but for that."""
    random = Random(7)  # noqa: S311 - no secret
    for _ in range(2_000):
        shards = tuple(random.randint(1, 40) for _ in range(random.randint(1, 12)))
        total = random.randint(1, 200)
        parts = divide_requests(total, shards)
        assert sum(parts) == max(total, len(shards))
        assert min(parts) >= 1


def test_a_sender_finds_its_part_by_its_name() -> None:
    counts = {"b": 4, "a": 4}
    assert [SenderShards.of(counts, name).part_of(3) for name in ("a", "b")] == [2, 1]
    assert SenderShards.of(counts, "new").part_of(3) == 1
    assert ALONE.part_of(3) == 3
