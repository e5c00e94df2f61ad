"""The cost of a sender's metrics per message, as a share of the message's whole cost.

The scenario times the counting of the recorder and the delivery, in batches as large as the
sender's own, and the provider's handling of the same batch with and without counting. A message
costs a sender about 9 microseconds of processor time with a provider that answers at once. With a
provider that has a latency, such as the HTTP provider, it costs several times as much.

For comparison it times the client library's own objects, used once for each message.
"""

import time
from collections.abc import Callable, Sequence
from random import Random

import click
from prometheus_client import CollectorRegistry, Counter, Histogram

from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.campaign import Delivery as DeliveryKind
from campaign_common.domain.message import MessageKey, Status
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.shard import Epoch
from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.delivery.guarded_provider import GuardedProvider
from campaign_sender.message import Message
from campaign_sender.metrics import TRANSACTION_MESSAGES, TRANSACTION_SECONDS
from campaign_sender.recording.recorder_metrics import count_outcomes

BATCH = 4_000
SHARDS = 8
ROUNDS = 300
MESSAGE = 9_000.0
"""Nanoseconds of a sender's processor time."""


class Uncounted(GuardedProvider):
    """A provider that counts nothing."""

    def _count(self, answers: Sequence[SendStatus]) -> None:
        pass


class Version:
    """A stand-in for a campaign's version."""

    provider = "simulated"
    delivery = DeliveryKind.AT_LEAST_ONCE


class SendGuard:
    """A stand-in for the send guard, which knows one campaign."""

    def version_of(self, _: int) -> Version:
        """Return the campaign's version."""
        return Version()


class Idle:
    """A provider that is never used."""

    name = "simulated"
    durations = BatchHistogram(SECONDS)


@click.command("metrics-cost")
def metrics_cost() -> None:
    """Measure the cost of a sender's metrics per message; starts no server."""
    results = [SendResult(message(n), SendStatus.ACCEPTED, f"sim-1-{n}-1") for n in range(BATCH)]
    counted, uncounted = (
        kind("simulated", breaker(), SendGuard(), ignore, lambda *_: Idle())  # type: ignore[arg-type]
        for kind in (GuardedProvider, Uncounted)
    )
    without = per_message(lambda: uncounted.on_results(results))
    answers = [result.status for result in results]
    counting = per_message(lambda: counted.count(answers))
    with_it = per_message(lambda: counted.on_results(results))
    drawn = Random(7)  # noqa: S311 - test data
    latencies = [drawn.lognormvariate(-3, 1) for _ in range(BATCH)]
    durations = BatchHistogram(SECONDS)
    costs = {
        "answers, in the delivery": counting,
        "outcomes, in the recorder": per_message(record),
        "latencies, of a provider that has some": per_message(lambda: durations.add(latencies)),
    }
    click.echo(
        f"reporting a batch: {without:.0f} ns per message without counting, {with_it:.0f} with"
    )
    for what, cost in costs.items():
        click.echo(f"{what}: {cost:.1f} ns per message, {cost / MESSAGE:.2%}")
    click.echo(f"together: {sum(costs.values()):.1f} ns, {sum(costs.values()) / MESSAGE:.2%}")
    for what, cost in one_by_one(latencies).items():
        click.echo(f"one by one, {what}: {cost:.1f} ns per message, {cost / MESSAGE:.2%}")


def record() -> None:
    """Count a recorder's transaction."""
    changes = {(CampaignId(1), shard, Status.SENT): BATCH // SHARDS for shard in range(SHARDS)}
    TRANSACTION_SECONDS.observe(0.02)
    TRANSACTION_MESSAGES.observe(BATCH)
    count_outcomes(changes, SendGuard().version_of)  # type: ignore[arg-type]


def one_by_one(latencies: Sequence[float]) -> dict[str, float]:
    """Return the costs of the client library's objects, used once for each message."""
    registry = CollectorRegistry()
    labelled = Counter("answers", "Answers", ["provider", "status"], registry=registry)
    counter = labelled.labels("simulated", "accepted")
    histogram = Histogram("latencies", "Latencies", buckets=SECONDS, registry=registry)

    def increment() -> None:
        for _ in latencies:
            counter.inc()

    def find_and_increment() -> None:
        for _ in latencies:
            labelled.labels("simulated", "accepted").inc()

    def observe() -> None:
        for latency in latencies:
            histogram.observe(latency)

    return {
        "a counter": per_message(increment),
        "a counter found by its labels": per_message(find_and_increment),
        "a latency": per_message(observe),
    }


def per_message(work: Callable[[], None]) -> float:
    """Return the least of many batches, in nanoseconds per message."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - began)
    return min(times) / BATCH


def message(n: int) -> Message:
    """Make one of a campaign's messages."""
    record = MessageRecord(
        wire_version=1,
        campaign_id=CampaignId(1),
        seq=n,
        shard=n % SHARDS,
        campaign_epoch=CampaignEpoch(1),
        map_version=1,
        phone=str(13900000000 + n),
        body="hi",
    )
    return Message(record, MessageKey(record.campaign_id, n), 0, n, Epoch(1))


def breaker() -> CircuitBreaker:
    """Make a closed circuit breaker."""
    return CircuitBreaker(BreakerPolicy(), time.monotonic)


def ignore(_: Sequence[SendResult[Message]]) -> None:
    """Discard the results."""
