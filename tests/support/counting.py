"""Increases of counters within a process that runs several tests."""

from collections import Counter

from prometheus_client import CollectorRegistry


class Increases:
    """Counts of a registry since this object was made."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._before = self._summed()

    def of(self, series: str) -> dict[tuple[str, ...], int]:
        """Return the increase of a series by the values of its labels; those of 0 are left out."""
        increased = self._summed()
        increased.subtract(self._before)
        return {
            tuple(labels): int(n)
            for (name, *labels), n in increased.items()
            if name == series and n
        }

    def sum(self, series: str) -> int:
        """Return the increase of a series, over all labels."""
        return sum(self.of(series).values())

    def _summed(self) -> Counter[tuple[str, ...]]:
        return Counter(
            {
                (sample.name, *sample.labels.values()): sample.value
                for family in self._registry.collect()
                for sample in family.samples
            }
        )
