"""A distribution tells what the client library's own histogram would."""

import random

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily

from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from tests.support.scraping import Scrape


class Collected:
    """A collector of one distribution."""

    def __init__(self, distribution: BatchHistogram) -> None:
        self._distribution = distribution

    def collect(self) -> list[HistogramMetricFamily]:
        family = HistogramMetricFamily("seconds", "how long")
        self._distribution.tell(family)
        return [family]


def test_it_counts_as_a_histogram_does() -> None:
    drawn = random.Random(7)  # noqa: S311 - test data
    values = [*SECONDS, 0.0, 100.0, *(drawn.lognormvariate(-3, 2) for _ in range(500))]
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("seconds", "how long", buckets=SECONDS, registry=theirs)
    distribution = BatchHistogram(SECONDS)
    ours.register(Collected(distribution))  # type: ignore[arg-type]
    for value in values:
        histogram.observe(value)
    distribution.add(values[:100])
    distribution.add([])
    distribution.add(values[100:])
    told, expected = (Scrape(generate_latest(registry).decode()) for registry in (ours, theirs))
    for bound in [*map(str, SECONDS), "+Inf"]:
        bucket = {"le": bound}
        assert told.value("seconds_bucket", bucket) == expected.value("seconds_bucket", bucket)
    assert told.value("seconds_count") == len(values)
    assert abs(told.value("seconds_sum") - expected.value("seconds_sum")) < 1e-6
