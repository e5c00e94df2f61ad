"""Parts of a list whose error codes one request counts."""

import pytest

from campaign_api.messages.error_counts import BLOCK, BLOCKS, number_of_parts, ranges_of

AT_ONCE = BLOCK * BLOCKS
"""Recipients of one part."""


@pytest.mark.parametrize(
    ("last_seq", "parts"),
    [
        (0, 1),
        (1, 1),
        (AT_ONCE, 1),
        (AT_ONCE + 1, 2),
        (3 * AT_ONCE - BLOCK, 3),
        (10_000_000, 50),
    ],
)
def test_parts_cover_each_recipient_once(last_seq: int, parts: int) -> None:
    """No part is larger than what one request may cost."""
    assert number_of_parts(last_seq) == parts
    ranges = [ranges_of(part, last_seq) for part in range(parts)]
    assert all(sum(map(len, each)) <= AT_ONCE for each in ranges)
    assert all(len(each) <= BLOCKS for each in ranges)
    after = 0
    for seqs in sorted((seqs for each in ranges for seqs in each), key=lambda seqs: seqs.start):
        assert seqs.start == after + 1
        after = seqs.stop - 1
    assert after == last_seq


def test_a_part_lies_evenly_over_the_list() -> None:
    starts = [seqs.start for seqs in ranges_of(3, 10_000_000)]
    assert starts == [1 + (3 + 50 * block) * BLOCK for block in range(BLOCKS)]
