"""Kafka as this project configures it: one place for the properties that guarantees depend on."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    ResourceType,
)

from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import topics
from campaign_common.kafka.batches import SplittingProducer
from campaign_common.runtime.obstacle import Obstacle
from campaign_common.settings import Settings

GroupProtocol = Literal["consumer", "classic"]

Properties = dict[str, Any]

CLASSIC_SESSION = 45.0
"""Seconds without a heartbeat after which a group of the classic protocol gives a member up."""

LIMIT_TIMEOUT = 2.0
"""Seconds that a broker has to tell the limit of a topic: a producer waits for it."""

_REFUSALS = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})  # noqa: SLF001 - constants

_SILENT = logging.getLogger("campaign_common.kafka.client")
"""The client raises as an error, too, whatever it logs at its highest level."""
_SILENT.disabled = True

_UNKNOWN_LIMITS: defaultdict[str, Obstacle] = defaultdict(Obstacle)
"""Of all producers of this process: one that is replaced meets what the one before has met."""

_log = structlog.get_logger()


def producer(settings: Settings) -> SplittingProducer:
    """Make the producer: every replica acknowledges, and a retried send keeps its order.

    Idempotence (KIP-98) keeps the order of a partition over retries inside librdkafka. Batches
    keep within the limits of the topics, and those that are refused as too large are split.
    """
    client = admin(settings)
    return SplittingProducer(partial(_producer, settings), partial(_batch_limit, client))


def _batch_limit(client: AdminClient, topic: str) -> int | None:
    try:
        limit = topics.largest_batch(client, topic, timeout=LIMIT_TIMEOUT)
    except (KafkaUnavailable, TopicMissing) as error:
        if _UNKNOWN_LIMITS[topic].met(str(error)):
            _log.info("batch limit of the topic unknown", topic=topic, error=str(error))
        return None
    _UNKNOWN_LIMITS[topic].overcome()
    return limit


def _producer(settings: Settings, batch_size: int) -> Producer:
    return Producer(
        {
            **_connection(settings.sync_client.brokers, settings.kafka_properties),
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.size": batch_size,
            "queue.buffering.max.messages": 100_000,
            "queue.buffering.max.kbytes": 65_536,
            "delivery.timeout.ms": 120_000,
        }
    )


def consumer(settings: Settings, protocol: GroupProtocol, name: str) -> Consumer:
    """Make a member of the sender's group; offsets are committed by hand only.

    `protocol` `consumer` is KIP-848's; `classic` uses cooperative-sticky assignment, so that
    in both a rebalance takes only the partitions that move.
    """
    properties: Properties = {
        **_connection(settings.send_client.brokers, settings.kafka_properties),
        "group.id": settings.send_client.group,
        "client.id": name,
        "group.protocol": protocol,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "queued.max.messages.kbytes": 16_384,
        "queued.min.messages": 20_000,
        # How long a partition waits for room under those bounds: by default a second, in which a
        # sender that is quicker than that has nothing to do.
        "fetch.queue.backoff.ms": 20,
        # Of each partition at a time; with the default 1 MiB, unpacked, a sender with eight
        # partitions held 100 MB more and was no faster.
        "fetch.message.max.bytes": 262_144,
        "fetch.wait.max.ms": 100,
        "enable.partition.eof": False,
    }
    if protocol == "classic":
        properties["partition.assignment.strategy"] = "cooperative-sticky"
        properties["session.timeout.ms"] = int(CLASSIC_SESSION * 1000)
    return Consumer(properties)


def reader(settings: Settings, group: str) -> Consumer:
    """Make a consumer that is told what to read, and commits for `group` by hand."""
    return Consumer(
        {
            **_connection(settings.send_client.brokers, settings.kafka_properties),
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )


def admin(settings: Settings) -> AdminClient:
    """Make a client for topics and groups."""
    return AdminClient(_connection(settings.sync_client.brokers, settings.kafka_properties))


def group_protocol(settings: Settings, client: AdminClient) -> GroupProtocol:
    """Decide the group protocol: as configured, or with `auto` what the broker offers.

    Brokers from 4.0 on always offer KIP-848; older ones only say so by the setting
    `group.coordinator.rebalance.protocols`.

    Raises:
        KafkaUnavailable: the broker did not answer within 10 seconds.
    """
    configured = settings.send_client.group_protocol
    if configured != "auto":
        return configured
    offered = _broker_setting(client, "group.coordinator.rebalance.protocols")
    return "consumer" if offered and "consumer" in offered.split(",") else "classic"


def group_session(settings: Settings, client: AdminClient) -> float:
    """Ask after how many seconds without a heartbeat the group gives a sender up.

    KIP-848 leaves it to the broker.

    Raises:
        KafkaUnavailable: the broker did not answer within 10 seconds.
    """
    if group_protocol(settings, client) == "classic":
        return CLASSIC_SESSION
    milliseconds = _broker_setting(client, "group.consumer.session.timeout.ms")
    if milliseconds is None:
        raise KafkaUnavailable("the broker does not say how long a session of a group lasts")
    return int(milliseconds) / 1000


def _broker_setting(client: AdminClient, name: str) -> str | None:
    try:
        broker = next(iter(client.list_topics(timeout=10).brokers), None)
        if broker is None:
            raise KafkaUnavailable(f"asking for {name}: the broker names no brokers yet")
        resource = ConfigResource(ResourceType.BROKER, str(broker))
        described = client.describe_configs([resource], request_timeout=10)[resource].result()
    except KafkaException as error:
        raise KafkaUnavailable(f"asking the broker for its {name}: {error}") from error
    setting = described.get(name)
    return None if setting is None or setting.value is None else str(setting.value)


def _connection(brokers: tuple[str, ...], security: Mapping[str, str]) -> Properties:
    return {
        "bootstrap.servers": ",".join(brokers),
        "socket.keepalive.enable": True,
        # A broker that is frozen, or cut off from this client only, keeps its connections: nothing
        # is noticed but a request without an answer (60 s by default). It is longer than the
        # brokers' own session (9 s), during which they let an acknowledgement wait for a lost one.
        "socket.timeout.ms": 12_000,
        "reconnect.backoff.max.ms": 2_000,
        # How soon after the brokers have moved a partition away from a frozen one this is known;
        # of one that was killed the broken connection tells.
        "topic.metadata.refresh.interval.ms": 1_000,
        "log.connection.close": False,
        # Its own lines on stderr would break structured logs. A broker that is away is
        # noticed by the code that asks it something; only refusals are known nowhere else.
        "log_level": 2,
        "logger": _SILENT,
        "error_cb": _log_refusal,
        **security,
    }


def _log_refusal(error: KafkaError) -> None:
    if error.code() in _REFUSALS:
        _log.error("Kafka refused the client", error=error.str())
