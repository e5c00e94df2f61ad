"""Checks of topic and group: partitions, map, retention of records, senders."""

from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka.admin import AdminClient

from campaign_admin.doctor.finding import (
    CheckStatus,
    Finding,
    failed,
    ok,
    unknown,
    unless,
    warning,
)
from campaign_admin.doctor.sender_settings import compare_with, without_suppressions
from campaign_admin.doctor.sizes import check_sizes
from campaign_admin.kafka.rights import lacking_rights
from campaign_admin.kafka.topic_report import TopicReport, report_on
from campaign_common.database import Databases
from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import dead_letter_topic
from campaign_common.settings import Settings
from campaign_common.store.maintenance.statistics import SenderHeartbeat, live_senders
from campaign_common.store.suppressions.lookup import is_anybody_suppressed

SHORTEST_RETENTION = 3600
"""Seconds; what is deleted before it is sent has to be published again."""

LONGEST_SESSION = 10.0
"""Seconds for which the partitions of a sender that was lost stand still, at most."""


class Topic(NamedTuple):
    """The topic and its senders."""

    report: TopicReport
    settings: topics.TopicSettings
    senders: list[SenderHeartbeat]


def check_topic(databases: Databases, admin: AdminClient, settings: Settings) -> list[Finding]:
    """Check the topic, the group and the partition map.

    Raises:
        RetryLater: a database or the broker is down.
    """
    name, shards = settings.sync_client.topic, settings.msg_table_sharding_size
    rights = _rights(admin, settings)
    try:
        report = report_on(databases, admin, name, settings.send_client.group)
        topic_settings = topics.settings_of(admin, name)
    except TopicMissing as error:
        return [*rights, failed("topic", str(error), "campaign-topics create")]
    except KafkaUnavailable as error:
        if all(found.status is CheckStatus.OK for found in rights):
            raise
        return [*rights, unknown("topic", str(error))]
    with databases.reading() as cursors:
        senders = live_senders(cursors)
        are_suppressed = is_anybody_suppressed(cursors.main)
    topic = Topic(report, topic_settings, senders)
    return [
        *rights,
        *_partitions(topic, shards),
        *_shared(topic, databases),
        *_map(topic),
        *unless("records", _records(topic), "kept long enough, on enough brokers"),
        *unless("retention", _erasable(admin, topic), "records are deleted as soon as promised"),
        *check_sizes(admin, name),
        *_senders(topic, settings),
        *(without_suppressions(senders) if are_suppressed else ()),
        _session(admin, settings),
        *_lag(topic),
    ]


def _rights(admin: AdminClient, settings: Settings) -> list[Finding]:
    user = settings.kafka_properties.get("sasl.username", "NAME")
    return unless(
        "rights",
        (
            (warning if one.programs == ("campaign-topics",) else failed)(
                "rights",
                f"this user lacks {one.right}, which {' and '.join(one.programs)} needs",
                f"kafka-acls.sh --add --allow-principal User:{user} {one.right.as_options()}",
            )
            for one in lacking_rights(admin, settings)
        ),
        "Kafka allows this user what the services need",
    )


def _partitions(topic: Topic, shards: int) -> Iterator[Finding]:
    partitions = topic.report.description.partitions
    message = f"{partitions} partitions for {shards} shards"
    if partitions > shards:
        yield warning(
            "partitions",
            f"{message}: {partitions - shards} stay empty, since a shard has one partition",
            "raise MsgTableShardingSize, then campaign-db migrate; Kafka takes no partition away",
        )
    elif partitions < shards:
        yield warning(
            "partitions",
            f"{message}: no more than {partitions} senders can work at a time",
            f"campaign-topics raise --partitions {shards}",
        )
    else:
        yield ok("partitions", message)


def _shared(topic: Topic, databases: Databases) -> Iterator[Finding]:
    shared = [
        str(partition.partition)
        for partition in topic.report.partitions
        if len(databases.holding(partition.shards)) > 1
    ]
    if shared:
        yield warning(
            "partitions",
            f"{', '.join(shared)} carry shards of several database servers: while one server"
            " is down, the other servers' shards there wait too",
            "as many partitions as shards, or MysqlShards by the shards' remainders modulo the"
            " number of partitions",
        )


def _map(topic: Topic) -> Iterator[Finding]:
    current = topic.report.partition_map
    if current is None:
        yield failed("partition map", "there is none: nothing is sent", "campaign-topics create")
    elif not current.matches(topic.report.description):
        yield failed(
            "partition map",
            f"version {current.version} is of another topic or partition count than Kafka has",
            "start a scheduler, or campaign-topics raise --partitions"
            f" {topic.report.description.partitions}: both make the next version",
        )
    elif not current.is_active:
        yield warning(
            "partition map",
            f"version {current.version} is {current.state}: publishing is on hold until the senders"
            " have recorded what is in Kafka",
            "campaign-topics describe shows the rest; check that senders run",
        )
    else:
        yield ok("partition map", f"version {current.version}, {current.state}")


def _records(topic: Topic) -> Iterator[Finding]:
    replicas, in_sync = topic.settings.replication_factor, topic.settings.min_insync_replicas
    if replicas == 1:
        yield warning(
            "records",
            "one broker holds each record: while it is down nothing is sent, and if it is lost"
            " everything published is published again",
            "campaign-topics create --replication-factor 3, for a new topic on three brokers",
        )
    elif in_sync < 2 or in_sync >= replicas:
        yield warning(
            "records",
            f"min.insync.replicas is {in_sync} of {replicas}: "
            + ("one lost broker loses records" if in_sync < 2 else "one lost broker stops all"),
            f"kafka-configs.sh --alter --topic {topic.report.topic}"
            " --add-config min.insync.replicas=2",
        )
    kept = topic.settings.retention_seconds
    if kept is not None and kept < SHORTEST_RETENTION:
        yield warning(
            "records",
            f"kept for {kept:.0f} s: a longer pause of the senders has all published again",
            f"kafka-configs.sh --alter --topic {topic.report.topic} --add-config"
            f" retention.ms={topics.RECORD_RETENTION * 1000}",
        )


def _erasable(admin: AdminClient, topic: Topic) -> Iterator[Finding]:
    """Compare with docs/guides/erasure.md how long people's numbers stay in Kafka."""
    name = topic.report.topic
    yield from kept_too_long(name, topic.settings, topics.RECORD_RETENTION)
    letters = dead_letter_topic(name)
    try:
        settings = topics.settings_of(admin, letters)
    except TopicMissing:
        return  # the first sender makes it
    except KafkaUnavailable as error:
        yield unknown("retention", str(error))
        return
    yield from kept_too_long(letters, settings, topics.DEAD_LETTER_RETENTION)


def kept_too_long(name: str, settings: topics.TopicSettings, promised: int) -> Iterator[Finding]:
    """Find what makes a topic keep records for longer than `promised` seconds."""
    command = f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
    if settings.cleanup != {"delete"}:
        yield failed(
            "retention",
            f"cleanup.policy of {name} is {','.join(sorted(settings.cleanup))}: it keeps the last"
            " record of each number without end",
            f"{command} cleanup.policy=delete",
        )
    kept = settings.retention_seconds
    if kept is None or kept > promised:
        yield failed(
            "retention",
            f"{name} keeps records {'without end' if kept is None else f'for {kept:.0f} s'};"
            f" {promised} s is promised to people who are erased",
            f"{command} retention.ms={promised * 1000}",
        )
    if settings.segment_seconds > topics.SEGMENT_AGE:
        yield failed(
            "retention",
            f"segments of {name} are written for {settings.segment_seconds:.0f} s, by which"
            f" records outlive their retention; {topics.SEGMENT_AGE} s is promised",
            f"{command} segment.ms={topics.SEGMENT_AGE * 1000}",
        )


def _senders(topic: Topic, settings: Settings) -> Iterator[Finding]:
    alive, idle = topic.senders, [sender for sender in topic.senders if not sender.shards]
    partitions = topic.report.description.partitions
    if not alive:
        yield failed(
            "senders",
            f"none is alive in the group {topic.report.group}: nothing is sent",
            "start one: campaign-sender -c FILE",
        )
    elif len(alive) > partitions:
        yield warning(
            "senders",
            f"{len(alive)} for {partitions} partitions: {len(alive) - partitions} have nothing"
            " to do",
            f"kubectl scale deployment/campaign-sender --replicas={partitions}, or more partitions",
        )
    elif idle:
        names = ", ".join(sender.name for sender in idle)
        yield warning("senders", f"{len(alive)} are alive, and without any shard: {names}")
    else:
        yield ok("senders", f"{len(alive)} alive")
    yield from compare_with(settings, alive)
    unowned = [p.partition for p in topic.report.partitions if p.shards and not p.owners]
    if alive and unowned:
        yield warning(
            "senders", f"no sender has ever owned partitions {', '.join(map(str, unowned))}"
        )


def _session(admin: AdminClient, settings: Settings) -> Finding:
    try:
        session = clients.group_session(settings, admin)
    except KafkaUnavailable as error:
        # The rest can be told without; not everybody may ask for the brokers' settings.
        return unknown("session timeout", str(error))
    message = f"a lost sender is noticed after {session:g} s"
    if session <= LONGEST_SESSION:
        return ok("session timeout", message)
    return warning(
        "session timeout",
        f"{message}, unless the group has a setting of its own: what its partitions hold waits"
        " for so long",
        "brokers from 4.0 on with group.consumer.session.timeout.ms=5000,"
        " group.consumer.min.session.timeout.ms=5000, group.consumer.heartbeat.interval.ms=1000"
        " and group.consumer.min.heartbeat.interval.ms=1000, and SendClient.GroupProtocol auto",
    )


def _lag(topic: Topic) -> Iterator[Finding]:
    lag = sum(partition.lag or 0 for partition in topic.report.partitions)
    if lag and not topic.senders:
        yield failed("lag", f"{lag:,} records, and no sender consumes them", "start a sender")
    else:
        yield ok("lag", f"{lag:,} records")
