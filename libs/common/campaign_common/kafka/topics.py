"""Administration of Kafka topics: creation, partitions and their ends."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, NamedTuple

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from campaign_common.domain.partition_map import TopicDescription
from campaign_common.errors import KafkaUnavailable, TopicMissing

REQUEST_TIMEOUT = 10.0
"""Seconds that one administrative request may take."""

DAY = 24 * 3600

RECORD_RETENTION = DAY
"""Seconds for which the topic keeps a record; what is lost by it is published again (rule 15)."""

DEAD_LETTER_RETENTION = 7 * DAY
"""Seconds for which a dead letter waits for somebody to look at it."""

SEGMENT_AGE = 3600
"""Seconds after which Kafka begins a new segment: a record goes with the youngest of its segment,
so that it may stay for so long beyond its retention."""

_UNANSWERED: set[AdminClient] = set()
"""Clients with a request whose answer may still come: they are kept to the end of the process.

The answer wakes the client's own thread. Should that thread collect garbage and free the client,
librdkafka aborts the process.
"""

_ABSENT = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001


def describe(admin: AdminClient, topic: str) -> TopicDescription:
    """Ask Kafka for the id and the partition count of `topic`.

    Raises:
        TopicMissing: the topic does not exist.
        KafkaUnavailable: the broker did not answer.
    """
    futures = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_TIMEOUT)
    answer = _answer(admin, futures[topic], topic)
    return TopicDescription(topic_id=str(answer.topic_id), partitions=len(answer.partitions))


class TopicSettings(NamedTuple):
    """The settings by which a topic keeps its records."""

    replication_factor: int
    """Brokers that hold each record; the fewest of any partition."""
    min_insync_replicas: int
    """Number of replicas that must have a record before it counts as written."""
    retention_seconds: float | None
    """None: without end."""
    segment_seconds: float
    cleanup: frozenset[str]
    """`delete`, `compact` or both: what Kafka does with records after their retention."""

    def __str__(self) -> str:
        """Name the settings as Kafka does, with times in seconds."""
        kept = self.retention_seconds
        return (
            f"cleanup.policy {','.join(sorted(self.cleanup))},"
            f" retention {'without end' if kept is None else f'{kept:.0f} s'},"
            f" segments of {self.segment_seconds:.0f} s,"
            f" {self.replication_factor} replicas, min.insync.replicas {self.min_insync_replicas}"
        )


def settings_of(admin: AdminClient, topic: str) -> TopicSettings:
    """Ask Kafka how `topic` keeps its records.

    Raises:
        TopicMissing: the topic does not exist.
        KafkaUnavailable: the broker did not answer.
    """
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_TIMEOUT)
    partitions = _answer(admin, described[topic], topic).partitions
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configured = admin.describe_configs([resource], request_timeout=REQUEST_TIMEOUT)
    entries = _answer(admin, configured[resource], topic)
    retention = int(entries["retention.ms"].value)
    return TopicSettings(
        min(len(partition.replicas) for partition in partitions),
        int(entries["min.insync.replicas"].value),
        None if retention < 0 else retention / 1000,
        int(entries["segment.ms"].value) / 1000,
        frozenset(entries["cleanup.policy"].value.split(",")),
    )


def largest_batch(admin: AdminClient, topic: str, *, timeout: float = REQUEST_TIMEOUT) -> int:
    """Ask Kafka how many bytes a batch of records for `topic` may have, at most.

    The topic's `max.message.bytes`, or the brokers' `message.max.bytes` where it has none.

    Raises:
        TopicMissing: the topic does not exist.
        KafkaUnavailable: the broker refused, or did not answer within `timeout` seconds.
    """
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configured = admin.describe_configs([resource], request_timeout=timeout)
    return int(_answer(admin, configured[resource], topic)["max.message.bytes"].value)


def create(
    admin: AdminClient,
    topic: str,
    *,
    partitions: int,
    replication_factor: int,
    retention: int = RECORD_RETENTION,
) -> bool:
    """Create `topic`; False when it exists already, which changes nothing.

    A replication factor of -1 is the broker's default. With three or more replicas two of
    them must have a record before it counts as written, so that the loss of any one broker
    loses nothing and stops nothing. Records are kept for `retention` seconds and then deleted,
    whatever the broker's defaults: they hold people's numbers. Compaction would keep the last
    record of each number without end.

    Raises:
        KafkaUnavailable: the broker refused or did not answer.
    """
    new = NewTopic(
        topic,
        num_partitions=partitions,
        replication_factor=replication_factor,
        config={
            "cleanup.policy": "delete",
            "retention.ms": str(retention * 1000),
            "segment.ms": str(SEGMENT_AGE * 1000),
            **({"min.insync.replicas": "2"} if replication_factor > 2 else {}),
        },
    )
    future = admin.create_topics([new], request_timeout=REQUEST_TIMEOUT)[topic]
    return not _refused_with(admin, future, topic, KafkaError.TOPIC_ALREADY_EXISTS)


def create_dead_letters(admin: AdminClient, topic: str, *, replication_factor: int = -1) -> bool:
    """Create the topic of the dead letters `topic`; False when it exists already.

    Looks first: a user who may not create topics needs no right to where there is nothing to do.

    Raises:
        KafkaUnavailable: the broker refused or did not answer.
    """
    try:
        describe(admin, topic)
    except TopicMissing:
        return create(
            admin,
            topic,
            partitions=1,
            replication_factor=replication_factor,
            retention=DEAD_LETTER_RETENTION,
        )
    return False


def add_partitions(admin: AdminClient, topic: str, partitions: int) -> None:
    """Raise the partition count of `topic` to `partitions`.

    Raises:
        TopicMissing: the topic does not exist.
        KafkaUnavailable: the broker refused or did not answer.
    """
    wanted = [NewPartitions(topic, partitions)]
    future = admin.create_partitions(wanted, request_timeout=REQUEST_TIMEOUT)[topic]
    _answer(admin, future, topic)


def log_starts(admin: AdminClient, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Read the first offset that Kafka still holds, per partition.

    Raises:
        TopicMissing: the topic or one of the partitions does not exist.
        KafkaUnavailable: the broker did not answer.
    """
    return _offsets(admin, topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]


def log_ends(admin: AdminClient, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Read the offset that the next record will get, per partition.

    Raises:
        TopicMissing: the topic or one of the partitions does not exist.
        KafkaUnavailable: the broker did not answer.
    """
    return _offsets(admin, topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]


def delete_before(admin: AdminClient, topic: str, partition: int, offset: int) -> None:
    """Delete the records of a partition below `offset`; they cannot be read from now on.

    Raises:
        TopicMissing: the topic or the partition does not exist.
        KafkaUnavailable: the broker refused or did not answer.
    """
    place = TopicPartition(topic, partition, offset)
    futures = admin.delete_records([place], request_timeout=REQUEST_TIMEOUT)
    for future in futures.values():
        _answer(admin, future, topic)


def committed_offsets(admin: AdminClient, group: str, topic: str) -> dict[int, int]:
    """Read what `group` has committed; partitions without a commit are left out.

    Raises:
        KafkaUnavailable: the broker did not answer.
    """
    request = [ConsumerGroupTopicPartitions(group)]
    future = admin.list_consumer_group_offsets(request, request_timeout=REQUEST_TIMEOUT)[group]
    try:
        answer = _answer(admin, future, topic)
    except KafkaUnavailable as error:
        if _code(error.__cause__) == KafkaError.GROUP_ID_NOT_FOUND:
            return {}
        raise
    return {
        place.partition: place.offset
        for place in answer.topic_partitions
        if place.topic == topic and place.offset >= 0
    }


def _offsets(
    admin: AdminClient, topic: str, partitions: Iterable[int], which: OffsetSpec
) -> dict[int, int]:
    places = {TopicPartition(topic, number): which for number in partitions}
    futures: Mapping[TopicPartition, Future[Any]] = admin.list_offsets(
        places, request_timeout=REQUEST_TIMEOUT
    )
    return {
        place.partition: _answer(admin, future, topic).offset for place, future in futures.items()
    }


def _answer(admin: AdminClient, future: Future[Any], topic: str) -> Any:  # noqa: ANN401 - each request has its own
    try:
        return future.result(REQUEST_TIMEOUT * 2)
    except KafkaException as error:
        if _code(error) in _ABSENT:
            raise TopicMissing(f"topic {topic} does not exist") from error
        admin.poll(0)  # lets the client say what else is wrong, such as a refused password
        raise KafkaUnavailable(f"topic {topic}: {error.args[0].str()}") from error
    except FutureTimeout as error:
        _UNANSWERED.add(admin)
        raise KafkaUnavailable(f"topic {topic}: no answer from the broker") from error


def _refused_with(admin: AdminClient, future: Future[Any], topic: str, code: int) -> bool:
    try:
        _answer(admin, future, topic)
    except KafkaUnavailable as error:
        if _code(error.__cause__) == code:
            return True
        raise
    return False


def _code(error: BaseException | None) -> int | None:
    if isinstance(error, KafkaException) and isinstance(error.args[0], KafkaError):
        return int(error.args[0].code())
    return None
