"""State of each provider: senders, limits and their use, answers, latency and circuit breakers."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from campaign_api.errors import NotFound
from campaign_api.providers.readiness import PresentState, standing_of
from campaign_api.providers.senders import knowing
from campaign_api.withheld_reasons import without_reasons
from campaign_common.database import Cursors, Databases
from campaign_common.metrics.distribution import SECONDS, CountedValues
from campaign_common.settings import AnswerWord, Settings
from campaign_common.store.core.possible_duplicates import possible_duplicates_by_provider
from campaign_common.store.limits.live_limits import (
    CHECKED,
    LIMITS_CHANGED,
    read_all_live,
    read_provider_events,
)
from campaign_common.store.limits.usage import read_use
from campaign_common.store.maintenance.statistics import RecentHeartbeat, recent_heartbeats
from campaign_common.store.messages.provider_breakers import read_circuits

DUPLICATES_KEPT = 5.0
"""Seconds for which sums over all campaigns are cached."""

LATEST_EVENTS = 20

ACCEPTED = "accepted"
"""Send status of the word `success`; the others have the name of their word."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class ProviderOverview:
    """State of the providers; sums over all campaigns are cached for seconds."""

    def __init__(
        self,
        databases: Databases,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._databases = databases
        self._settings = settings
        self._configured = settings.configured_providers
        self._clock = clock
        self._summing = threading.Lock()
        self._duplicates: Counter[str] | None = None
        self._summed_at = 0.0

    def read_all(self, *, shows_reasons: bool) -> list[dict[str, Any]]:
        """Read every configured provider, in the order of the configuration.

        Without `shows_reasons` it is not said why senders can not send, which names secrets.

        Raises:
            RetryLater: a database is down.
        """
        with self._databases.reading() as cursors:
            present = self._present(cursors, self._configured, shows_reasons=shows_reasons)
        duplicates = self._duplicate_counts()
        return [self._described(name, present, duplicates) for name in self._configured]

    def read(self, name: str, *, shows_reasons: bool) -> dict[str, Any]:
        """Read one provider, with its latest events; `shows_reasons` as of all.

        Raises:
            NotFound: it is not configured.
            RetryLater: a database is down.
        """
        if name not in self._configured:
            raise NotFound(f"there is no provider {name}")
        with self._databases.reading() as cursors:
            present = self._present(cursors, [name], shows_reasons=shows_reasons)
            events = read_provider_events(
                cursors.main, name, limit=LATEST_EVENTS, kinds=(LIMITS_CHANGED, CHECKED)
            )
        return {
            **self._described(name, present, self._duplicate_counts()),
            "events": [
                {"id": event.id, "at": _utc(event.at), "actor": event.actor, "kind": event.kind}
                for event in events
            ],
        }

    def _present(
        self, cursors: Cursors, names: Collection[str], *, shows_reasons: bool
    ) -> PresentState:
        held = read_all_live(cursors.main).limits
        # Those of a newer version cannot be read here, and the configured ones are shown.
        live = {name: one.limits for name, one in held.items() if one.limits is not None}
        in_force = {name: live.get(name, self._configured[name].limits.limits) for name in names}
        senders = recent_heartbeats(cursors.main)
        return PresentState(
            senders if shows_reasons else without_reasons(senders),
            read_circuits(cursors.main),
            live,
            read_use(cursors.main, in_force),
        )

    def _duplicate_counts(self) -> Counter[str]:
        """Return the sums; who waits for them holds no connection meanwhile."""
        with self._summing:
            if self._duplicates is None or self._clock() - self._summed_at >= DUPLICATES_KEPT:
                with self._databases.reading() as cursors:
                    self._duplicates = possible_duplicates_by_provider(cursors)
                self._summed_at = self._clock()
            return self._duplicates

    def _described(
        self, name: str, present: PresentState, duplicates: Counter[str]
    ) -> dict[str, Any]:
        configured = self._configured[name]
        live = present.live.get(name)
        use = present.use[name]
        standing = standing_of(name, present)
        known = knowing(present.senders, name)
        circuit = present.circuits.get(name)
        return {
            "name": name,
            "kind": getattr(configured, "kind", name),
            "preset": getattr(configured, "preset", None),
            "is_default": self._settings.provider == name,
            "state": standing.state.value,
            "until": standing.until,
            "problem": standing.problem,
            "limits": {
                "source": "configured" if live is None else "live",
                "limits": configured.limits.limits if live is None else live,
            },
            "second": None if use.second is None else use.second._asdict(),
            "day": None
            if use.day is None
            else {
                "day": use.day.day,
                "per_day": use.day.per_day,
                "taken": use.day.taken,
                "ends_at": datetime.fromtimestamp(use.day.ends_at, UTC),
            },
            "answers": _answers(name, known),
            "latency": _latency(name, known),
            "breaker": None
            if circuit is None
            else {
                "open_until": _utc(circuit.open_until),
                "opened_at": _utc(circuit.opened_at),
                "times_opened": circuit.times_opened,
            },
            "possible_duplicates": duplicates.get(name, 0),
            "senders": [
                {
                    "name": sender.name,
                    "seen_at": _utc(sender.seen_at),
                    "breaker": (sender.statistics or {})[name].breaker,
                    "account_refused": (sender.statistics or {})[name].account_refused,
                    "problem": (sender.providers or {}).get(name),
                }
                for sender in known
            ],
        }


def _answers(name: str, known: Sequence[RecentHeartbeat]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for sender in known:
        total.update((sender.statistics or {})[name].answers)
    return {
        word.value: total.get(ACCEPTED if word is AnswerWord.SUCCESS else word.value, 0)
        for word in AnswerWord
    }


def _latency(name: str, known: Sequence[RecentHeartbeat]) -> dict[str, Any] | None:
    """Merge the durations of all senders; None without requests."""
    total = CountedValues([0] * len(SECONDS), 0, 0.0)
    for sender in known:
        at_most, number, seconds = (sender.statistics or {})[name].durations
        if len(at_most) == len(SECONDS):  # else a sender of another version
            total = total.and_those(CountedValues(at_most, number, seconds))
    if not total.number:
        return None
    quantiles = {
        label: round(total.quantile(share, SECONDS) or 0.0, 4) for label, share in QUANTILES.items()
    }
    return {
        "requests": total.number,
        "mean": round(total.total / total.number, 4),
        **quantiles,
    }


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
