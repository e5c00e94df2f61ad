"""A provider that calls nobody: latency and failures as configured, predictable by a seed."""

import heapq
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import count
from math import log, sqrt
from random import Random

from campaign_common.metrics.distribution import SECONDS, Distribution
from campaign_common.repeating import IndispensableThread
from campaign_common.settings import LatencySettings, SimulatedSettings
from campaign_sender.message import Message
from campaign_sender.providers.contract import OnResults, PreSendCheck, SendResult, SendStatus

TEMPORARY = frozenset({SendStatus.RETRYABLE, SendStatus.THROTTLED, SendStatus.AMBIGUOUS})


def simulated_status(key: str, seed: int, failure_rates: Mapping[str, float]) -> SendStatus:
    """Return the answer that a message gets on its first attempt.

    A pure function of the message's idempotency key and the seed, by a hash that tells nothing
    of one key from another: a check sum would have a message that failed never fail again when
    a person retries it. A temporary failure passes: the same message is accepted on its second
    attempt.
    """
    digest = blake2b(f"{seed}:{key}".encode("ascii"), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64
    for name, rate in failure_rates.items():
        if point < rate:
            return SendStatus(name)
        point -= rate
    return SendStatus.ACCEPTED


class SimulatedProvider:
    """Answers every message after a simulated latency."""

    name = "simulated"
    idempotent = True

    def __init__(
        self, settings: SimulatedSettings, check_before_send: PreSendCheck, on_results: OnResults
    ) -> None:
        self._seed = settings.seed
        self._failure_rates = {name: rate for name, rate in settings.failure_rates.items() if rate}
        self._latency = settings.latency
        self.durations = Distribution(SECONDS)
        self._check_before_send = check_before_send
        self._on_results = on_results
        self._random = Random(settings.seed)  # noqa: S311 - simulates, protects nothing
        self._due: list[tuple[float, int, SendResult]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._answering: IndispensableThread | None = None
        if self._latency.distribution != "none":
            self._answering = IndispensableThread("simulated-provider", self._answer_when_due)
            self._answering.start()

    @property
    def alive(self) -> bool:
        """Return whether answers come when they are due."""
        return self._answering is None or self._answering.alive

    def submit(self, messages: Sequence[Message]) -> None:
        """Look once more at each message, and answer it now or after its latency."""
        refused: list[SendResult] = []
        results: list[SendResult] = []
        for message, veto in zip(messages, self._check_before_send(messages), strict=True):
            if veto is not None:
                refused.append(SendResult(message, veto))
            else:
                results.append(self._answer(message))
        if self._answering is None:
            refused += results
        else:
            self._schedule(results)
        if refused:
            self._on_results(refused)

    def close(self) -> None:
        """Abandon the answers that are still to come."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._answering is not None:
            self._answering.join()

    def _answer(self, message: Message) -> SendResult:
        key = message.idempotency_key
        if not self._failure_rates:
            return SendResult(message, SendStatus.ACCEPTED, "sim-" + key)
        status = simulated_status(key, self._seed, self._failure_rates)
        if status is SendStatus.ACCEPTED or (status in TEMPORARY and message.record.try_number > 1):
            return SendResult(message, SendStatus.ACCEPTED, "sim-" + key)
        return SendResult(message, status, None, f"simulated_{status.value}")

    def _schedule(self, results: Sequence[SendResult]) -> None:
        now = time.monotonic()
        latencies = [draw_latency(self._latency, self._random) for _ in results]
        self.durations.add(latencies)
        with self._changed:
            for latency, result in zip(latencies, results, strict=True):
                heapq.heappush(self._due, (now + latency, next(self._order), result))
            self._changed.notify()

    def _answer_when_due(self) -> None:
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
