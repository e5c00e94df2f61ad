"""Counted values: differences, sums and quantiles of a histogram."""

import pytest

from campaign_common.metrics.distribution import BatchHistogram, CountedValues

BOUNDS = (0.1, 1.0, 10.0)


def counted(*values: float) -> CountedValues:
    histogram = BatchHistogram(BOUNDS)
    histogram.add(values)
    return histogram.counted()


def test_what_was_counted_since_then_and_elsewhere() -> None:
    histogram = BatchHistogram(BOUNDS)
    histogram.add([0.05, 20.0])
    earlier = histogram.counted()
    histogram.add([0.5, 0.7])
    assert histogram.counted().since(earlier) == ([0, 2, 2], 2, pytest.approx(1.2))
    assert counted(0.05).and_those(counted(20.0)) == ([1, 1, 1], 2, pytest.approx(20.05))


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ((), 0.5, None),
        ((0.5,), 0.5, 0.55),
        ((0.05, 0.5), 0.5, 0.1),
        ((0.05, 0.05, 5.0, 5.0), 0.75, 5.5),
        ((50.0,), 0.5, 10.0),
        ((0.05,) * 99 + (5.0,), 0.99, 0.1),
    ],
)
def test_a_quantile_lies_within_its_bounds(
    values: tuple[float, ...], share: float, expected: float | None
) -> None:
    assert counted(*values).quantile(share, BOUNDS) == (
        None if expected is None else pytest.approx(expected)
    )
