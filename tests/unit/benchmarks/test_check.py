import pytest

from benchmarks.check import Baseline, has_fallen, read_baseline

KEPT = Baseline(rows=1, senders=1, ratio=0.8)


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([0.8, 0.8, 0.8], False),
        ([0.61, 0.62, 0.61], False),
        ([0.59, 0.59, 0.61], False),  # one busy moment less
        ([0.59, 0.58, 0.55], True),
    ],
)
def test_only_a_loss_of_a_quarter_in_every_repeat_is_a_failure(
    ratios: list[float], *, expected: bool
) -> None:
    assert has_fallen(KEPT, ratios) is expected


def test_the_kept_ratio_can_be_read() -> None:
    assert 0.1 < read_baseline().ratio < 10
