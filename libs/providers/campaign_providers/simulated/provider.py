"""Simulated provider: configured latency and failures, reproducible by a seed."""

import heapq
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import count
from math import inf, log, sqrt
from random import Random
from typing import Generic

from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.settings import LatencySettings, SimulatedSettings
from campaign_providers.contract import (
    MessageT,
    OnResults,
    PreSendCheck,
    SendResult,
    SendStatus,
)

TEMPORARY = frozenset({SendStatus.RETRYABLE, SendStatus.THROTTLED, SendStatus.AMBIGUOUS})


def simulated_status(key: str, seed: int, failure_rates: Mapping[str, float]) -> SendStatus:
    """Return the status of a message's first attempt.

    A pure function of the message's idempotency key and the seed, by a cryptographic hash: with a
    checksum, a message that failed would never fail again when a person retries it. A temporary
    failure passes: the same message is accepted on its second attempt.
    """
    digest = blake2b(f"{seed}:{key}".encode("ascii"), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64
    for name, rate in failure_rates.items():
        if point < rate:
            return SendStatus(name)
        point -= rate
    return SendStatus.ACCEPTED


def error_code_of(status: SendStatus) -> str:
    """Return the error code of a simulated failure."""
    return f"simulated_{status.value}"


class SimulatedProvider(Generic[MessageT]):
    """Provider that reports a result for every message after a simulated latency."""

    connections: int | None = None
    idempotent_for = inf
    account_digest = None
    problem = None
    """Nothing keeps it from sending."""

    def __init__(
        self,
        name: str,
        settings: SimulatedSettings,
        check_before_send: PreSendCheck[MessageT],
        on_results: OnResults[MessageT],
    ) -> None:
        self.name = name
        self.price = settings.price
        self.support = settings.content_support
        self._seed = settings.seed
        self._failure_rates = {name: rate for name, rate in settings.failure_rates.items() if rate}
        self._latency = settings.latency
        self.durations = BatchHistogram(SECONDS)
        self._check_before_send = check_before_send
        self._on_results = on_results
        self._random = Random(settings.seed)  # noqa: S311 - simulates, protects nothing
        self._due: list[tuple[float, int, SendResult[MessageT]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._reporting: IndispensableThread | None = None
        if self._latency.distribution != "none":
            self._reporting = IndispensableThread(f"provider-{name}", self._report_when_due)
            self._reporting.start()

    @property
    def alive(self) -> bool:
        """Return whether results are reported when they are due."""
        return self._reporting is None or self._reporting.alive

    def submit(self, messages: Sequence[MessageT], *, first: bool = False) -> None:  # noqa: ARG002
        """Check each message, and report its result now or after its latency."""
        refused: list[SendResult[MessageT]] = []
        results: list[SendResult[MessageT]] = []
        for message, veto in zip(messages, self._check_before_send(messages), strict=True):
            if veto is not None:
                refused.append(SendResult(message, veto))
            else:
                results.append(self._result(message))
        if self._reporting is None:
            refused += results
        else:
            self._schedule(results)
        if refused:
            self._on_results(refused)

    def close(self) -> None:
        """Abandon results that are not due yet."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._reporting is not None:
            self._reporting.join()

    def _result(self, message: MessageT) -> SendResult[MessageT]:
        key = message.idempotency_key
        if not self._failure_rates:
            return SendResult(message, SendStatus.ACCEPTED, "sim-" + key)
        status = simulated_status(key, self._seed, self._failure_rates)
        if status is SendStatus.ACCEPTED or (status in TEMPORARY and message.try_number > 1):
            return SendResult(message, SendStatus.ACCEPTED, "sim-" + key)
        return SendResult(message, status, None, error_code_of(status))

    def _schedule(self, results: Sequence[SendResult[MessageT]]) -> None:
        now = time.monotonic()
        latencies = [draw_latency(self._latency, self._random) for _ in results]
        self.durations.add(latencies)
        with self._changed:
            for latency, result in zip(latencies, results, strict=True):
                heapq.heappush(self._due, (now + latency, next(self._order), result))
            self._changed.notify()

    def _report_when_due(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._ready():
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(wait)
                if self._closed:
                    return
                ready = []
                while self._ready():
                    ready.append(heapq.heappop(self._due)[2])
            self._on_results(ready)

    def _ready(self) -> bool:
        return bool(self._due) and self._due[0][0] <= time.monotonic()


def draw_latency(latency: LatencySettings, random: Random) -> float:
    """Draw one latency in seconds from the configured distribution."""
    match latency.distribution:
        case "constant":
            return latency.mean
        case "uniform":
            return max(
                0.0, random.uniform(latency.mean - latency.spread, latency.mean + latency.spread)
            )
        case "lognormal":
            # Parameters of the underlying normal for the wanted mean and standard deviation.
            variance = log(1 + (latency.spread / latency.mean) ** 2) if latency.mean else 0.0
            return random.lognormvariate(log(latency.mean) - variance / 2, sqrt(variance))
        case _:
            return 0.0
