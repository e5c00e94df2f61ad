"""A service's answer at /metrics, read by the client library's own parser."""

from collections.abc import Mapping
from typing import NamedTuple

import requests
from prometheus_client.parser import text_string_to_metric_families


class Described(NamedTuple):
    """A metric without its values."""

    name: str
    type: str
    labels: frozenset[str]


class Scrape:
    """One answer."""

    def __init__(self, text: str) -> None:
        self._families = list(text_string_to_metric_families(text))

    @classmethod
    def of(cls, port: int) -> "Scrape":
        answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return cls(answer.text)

    def described(self) -> set[Described]:
        """Every metric; counters by the name of their series."""
        return {
            Described(
                family.name + "_total" * (family.type == "counter"),
                family.type,
                frozenset({label for sample in family.samples for label in sample.labels}) - {"le"},
            )
            for family in self._families
        }

    def value(self, series: str, labels: Mapping[str, str] | None = None) -> float:
        """The value of the one series with these labels."""
        (value,) = [
            sample.value
            for family in self._families
            for sample in family.samples
            if sample.name == series and sample.labels == (labels or {})
        ]
        return value

    def sum(self, series: str, **labels: str) -> float:
        """The sum over all series that have these labels among theirs."""
        return sum(
            sample.value
            for family in self._families
            for sample in family.samples
            if sample.name == series and labels.items() <= sample.labels.items()
        )

    def label_values(self, label: str) -> set[str]:
        return {
            sample.labels[label]
            for family in self._families
            for sample in family.samples
            if label in sample.labels
        }


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
