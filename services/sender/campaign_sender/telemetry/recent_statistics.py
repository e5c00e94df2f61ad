"""Recent statistics of each provider in this sender, by the counters of its metrics.

Nothing is counted twice: durations and answers are those of `/metrics`, read at each heartbeat.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from campaign_common.metrics.distribution import CountedValues
from campaign_common.store.maintenance.statistics import ProviderStatistics
from campaign_providers.contract import REACHED_PROVIDER
from campaign_sender.delivery.guarded_provider import GuardedProvider
from campaign_sender.metrics import SEND_RESULTS

STATISTICS_SPAN = 60.0
"""Seconds that the statistics reach back."""

_ANSWERS = frozenset(status.value for status in REACHED_PROVIDER)


class _CounterState(NamedTuple):
    at: float
    answers: Mapping[str, Mapping[str, int]]
    durations: Mapping[str, CountedValues]


class RecentStatistics:
    """Differences between the counters now and up to a minute ago."""

    def __init__(
        self,
        providers: Mapping[str, GuardedProvider],
        settings: Mapping[str, Mapping[str, str]],
        clock: Callable[[], float],
    ) -> None:
        """Take the descriptions of the providers' settings, which heartbeats carry too."""
        self._providers = providers
        self._settings = settings
        self._clock = clock
        self._states = deque([self._state()])

    def read(self) -> Mapping[str, ProviderStatistics]:
        """Return the statistics of each provider."""
        now = self._state()
        while len(self._states) > 1 and self._states[1].at <= now.at - STATISTICS_SPAN:
            self._states.popleft()
        then = self._states[0]
        self._states.append(now)
        return {name: self._of(name, now, then) for name in self._providers}

    def _of(self, name: str, now: _CounterState, then: _CounterState) -> ProviderStatistics:
        guarded = self._providers[name]
        earlier = then.answers.get(name, {})
        answers = {
            status: n - earlier.get(status, 0) for status, n in now.answers.get(name, {}).items()
        }
        at_most, number, total = now.durations[name].since(then.durations[name])
        return ProviderStatistics(
            guarded.breaker.state.value,
            guarded.breaker.account_refused,
            guarded.is_asked_to_wait,
            round(now.at - then.at, 1),
            {status: n for status, n in answers.items() if n},
            (at_most, number, total),
            self._settings.get(name, {}),
        )

    def _state(self) -> _CounterState:
        answers: dict[str, dict[str, int]] = {name: {} for name in self._providers}
        for metric in SEND_RESULTS.collect():
            for sample in metric.samples:
                status = sample.labels.get("status")
                if sample.name.endswith("_total") and status in _ANSWERS:
                    of_provider = answers.setdefault(sample.labels["provider"], {})
                    of_provider[str(status)] = int(sample.value)
        durations = {
            name: guarded.provider.durations.counted() for name, guarded in self._providers.items()
        }
        return _CounterState(self._clock(), answers, durations)
