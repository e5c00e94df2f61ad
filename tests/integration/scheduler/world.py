"""A schema and a topic of their own, and schedulers whose steps a test takes one by one."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from campaign_common.database import Databases
from campaign_common.domain.message_record import MessageRecord, decode
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import clients, topics
from campaign_common.kafka.partition_migration import PartitionMigration
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.settings import load_settings
from campaign_common.store.campaigns.leases import Holder
from campaign_common.store.shards.partition_map import read_map
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.flow_control import FlowControl
from campaign_scheduler.fanout.loop import FanOutDependencies, FanOutLoop
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts
from campaign_scheduler.fanout.partition_backlog import PartitionBacklog
from campaign_scheduler.fanout.publish_window import PublishWindow
from campaign_scheduler.held_leases import HeldLeases, new_owner
from campaign_scheduler.jobs.finish_campaigns import CampaignFinisher
from campaign_scheduler.jobs.publish_retries import RetryPublisher
from campaign_scheduler.jobs.start_campaigns import CampaignStarter
from campaign_scheduler.publishing.publisher import Publisher
from tests.support.servers.schemas import make_current
from tests.support.servers.topics import delete_topics
from tests.support.services.processes import Process, started
from tests.support.waiting import wait_until

SHARDS = 8
CHUNK = 1_000
"""Recipients that a process publishes at a time."""
LIST = 1
CAMPAIGN = 1000000000

INSERT_LIST = """
INSERT INTO recipient_lists (id, name, state, attribute_columns, accepted, last_seq, created_at,
                             progressed_at)
VALUES (%s, 'list', %s, %s, %s, %s, NOW(6), NOW(6))
"""

INSERT_RECIPIENT = (
    "INSERT INTO recipients (list_id, seq, phone, name, attributes) VALUES (%s, %s, %s, %s, %s)"
)

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, scheduled_at,
                       created_at)
VALUES (%s, 'game0', %s, %s, 'at_least_once', 'simulated', 'scheduled', NOW(6), NOW(6))
"""


class OpenWindow(PublishWindow):
    """Holds nothing back: no sender works in these tests."""

    def __init__(self) -> None:
        super().__init__(4.0, 1)

    def allowance(self, queued: int, chunk_size: int, ceiling: int | None = None) -> int:  # noqa: ARG002
        return chunk_size


class Scheduler:
    """One scheduler's parts; nothing runs but what a test calls."""

    def __init__(
        self,
        world: "World",
        *,
        chunk_size: int,
        lease: float,
        links: UnsubscribeLinks | None = None,
    ) -> None:
        self._world = world
        self._links = links
        database, databases, topic = world.database, world.databases, world.topic
        self.owner = new_owner()
        self.leases = HeldLeases(database, Holder(self.owner, lease))
        self.campaign_starter = CampaignStarter(database, self.leases, SHARDS)
        self.publisher = world.publisher()
        self.checkpoints = CheckpointWriter(database, self.leases, topic)
        self.campaign_finisher = CampaignFinisher(databases, self.owner)
        self.availability = ServerAvailability(databases)
        self.retry_publisher = RetryPublisher(
            databases,
            self.availability,
            world.publisher(),
            threading.Event(),
            topic=topic,
            owner=self.owner,
            routes=Routes(),
            links=links,
        )
        self.partition_migration = PartitionMigration(databases, world.admin, topic, self.owner)
        self.fan_out = self.fan_out_with(self.checkpoints, chunk_size)

    def fan_out_with(self, checkpoints: CheckpointWriter, chunk_size: int = 1_000) -> FanOutLoop:
        databases, topic = self._world.databases, self._world.topic
        dependencies = FanOutDependencies(
            databases,
            self.leases,
            self.publisher,
            ChunkReader(databases, self.availability, topic, self._links),
            checkpoints,
            OutageLog(),
            OutcomeCounts(databases, self.availability),
        )
        return FanOutLoop(
            dependencies, FlowControl(chunk_size, OpenWindow, lambda: PartitionBacklog(2.5))
        )

    def fan_out_until(self, done: Callable[[], bool], seconds: float = 30.0) -> None:
        """Take fan-out steps until `done`."""
        give_up_at = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < give_up_at, "fan-out does not get there"
            self.fan_out.step()

    def start_and_fan_out(self) -> None:
        """Start what is due, and fan it out to its end."""
        self.campaign_starter.start_due()
        self.fan_out_until(self._world.all_fanned_out)


class World:
    """The database, topic and schedulers of one test."""

    def __init__(self, folder: Path, dsn: str, brokers: str, partitions: int = SHARDS) -> None:
        self._folder = folder
        name = token_hex(4)
        document = {
            "Mysql": {"DSN": dsn},
            "SyncClient": {"Topic": f"Sync-Msg-T-{name}", "Brokers": [brokers]},
            "SendClient": {"Brokers": [brokers], "Group": f"Msg-Consumer-G-{name}"},
            "MsgTableShardingSize": SHARDS,
            "DrainTimeout": "10s",
            "Scheduler": {"Lease": "2s", "ChunkSize": CHUNK},
        }
        self.config = folder / "campmgr.yaml"
        self.config.write_text(yaml.safe_dump(document))
        self.settings = load_settings(self.config, {})
        self.databases = Databases.configured(self.settings)
        self.database = self.databases.main
        make_current(self.database, SHARDS)
        self.admin: AdminClient = clients.admin(self.settings)
        self.make_topic(partitions)

    @property
    def topic(self) -> str:
        return self.settings.sync_client.topic

    def publisher(self) -> Publisher:
        return Publisher(lambda: clients.producer(self.settings), self.topic)

    def scheduler(
        self,
        *,
        chunk_size: int = 1_000,
        lease: float = 30.0,
        links: UnsubscribeLinks | None = None,
    ) -> Scheduler:
        return Scheduler(self, chunk_size=chunk_size, lease=lease, links=links)

    # -- Kafka

    def make_topic(self, partitions: int = SHARDS) -> None:
        """Create the topic, and its partition map when it is the first."""
        wait_until(
            lambda: topics.create(
                self.admin, self.topic, partitions=partitions, replication_factor=1
            )
        )
        wait_until(lambda: self._has_partitions(partitions))
        PartitionMigration(self.databases, self.admin, self.topic, "test").step()

    def delete_topic(self) -> None:
        self.admin.delete_topics([self.topic])[self.topic].result(10)
        wait_until(lambda: self.partitions_in_kafka() == 0)

    def add_partitions(self, partitions: int) -> None:
        topics.add_partitions(self.admin, self.topic, partitions)
        wait_until(lambda: self._has_partitions(partitions))

    def _has_partitions(self, partitions: int) -> bool:
        """Return whether the broker knows these partitions and answers for each of them."""
        return len(self._ends_now() or {}) == partitions

    def _ends_now(self) -> dict[int, int] | None:
        """Read the ends of all partitions; None while one of them is still being made."""
        try:
            return topics.log_ends(self.admin, self.topic, range(self.partitions_in_kafka()))
        except (TopicMissing, KafkaUnavailable):
            return None

    def partitions_in_kafka(self) -> int:
        try:
            return topics.describe(self.admin, self.topic).partitions
        except TopicMissing:
            return 0

    def log_ends(self) -> dict[int, int]:
        wait_until(lambda: self._ends_now() is not None)
        return self._ends_now() or {}

    def published(self) -> list[MessageRecord]:
        """Read every record of the topic, from its start to its end."""
        return [record for _, record in self.published_where()]

    def published_where(self) -> list[tuple[int, MessageRecord]]:
        """The same, each with its partition."""
        ends = {number: end for number, end in self.log_ends().items() if end}
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.sync_client.brokers[0],
                "group.id": token_hex(4),
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition(self.topic, number, 0) for number in ends])
        records: list[tuple[int, MessageRecord]] = []
        give_up_at = time.monotonic() + 30
        while len(records) < sum(ends.values()):
            assert time.monotonic() < give_up_at, "the topic cannot be read to its end"
            for message in consumer.consume(10_000, timeout=0.5):
                assert message.error() is None
                records.append((message.partition() or 0, decode(message.value())))
        consumer.close()
        return records

    def times_published(self) -> Counter[int]:
        """Count the publications of each recipient of the list."""
        return Counter(record.seq for record in self.published())

    # -- MySQL

    def rows(self, statement: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self.database.transaction() as cursor:
            cursor.execute(statement, arguments)
            return list(cursor.fetchall())

    def change(self, statement: str, arguments: Sequence[object] = ()) -> None:
        with self.database.transaction() as cursor:
            cursor.execute(statement, arguments)

    def add_list(
        self, recipients: int, *, list_id: int = LIST, state: str = "ready", columns: str = "[]"
    ) -> None:
        """Make a list with gaps: the seq of recipient n is 2n."""
        with self.database.transaction(timeout=60.0) as cursor:
            cursor.execute(INSERT_LIST, (list_id, state, columns, recipients, recipients * 2))
            cursor.executemany(
                INSERT_RECIPIENT,
                [
                    (list_id, seq, str(13900000000 + seq), f"user{seq}", None)
                    for seq in range(2, recipients * 2 + 1, 2)
                ],
            )

    def add_campaign(
        self,
        campaign_id: int = CAMPAIGN,
        *,
        list_id: int = LIST,
        template: str = "hi {name}, this is a test message.",
    ) -> None:
        self.change(INSERT_CAMPAIGN, (campaign_id, template, list_id))

    def campaign(self, *columns: str) -> tuple[Any, ...]:
        """Read columns of the first campaign."""
        return self.rows(f"SELECT {', '.join(columns)} FROM campaigns ORDER BY id LIMIT 1")[0]

    def all_fanned_out(self) -> bool:
        return not self.rows(
            "SELECT id FROM campaigns WHERE state <> 'failed' AND "
            " (published_count <> total OR total IS NULL)"
        )

    def record_everything(self) -> None:
        """Be the senders, as far as their claim rows say how far they are: to the end."""
        current = self.partition_map
        ends = self.log_ends()
        for shard in range(SHARDS):
            partition = current.partition(shard)
            self.record_shard(shard, ends[partition])

    def record_shard(self, shard: int, offset: int, claimed: bytes = b"") -> None:
        """Move one shard's claim row to `offset` under the current map."""
        current = self.partition_map
        self.change(
            "UPDATE shard_claims SET epoch = 1, topic_id = %s, partition_number = %s,"
            " map_version = %s, recorded_offset = %s, claimed = %s WHERE shard = %s",
            (
                current.topic_id,
                current.partition(shard),
                current.version,
                offset,
                claimed,
                shard,
            ),
        )

    def count_outcomes(
        self, status: int, n: int, campaign_id: int = CAMPAIGN, shard: int = 0
    ) -> None:
        self.change(
            "INSERT INTO campaign_counters (campaign_id, shard, status, n) VALUES (%s, %s, %s, %s)"
            " ON DUPLICATE KEY UPDATE n = VALUES(n)",
            (campaign_id, shard, status, n),
        )

    @property
    def partition_map(self) -> PartitionMap:
        with self.database.reading() as cursor:
            found = read_map(cursor, self.topic)
        assert found is not None
        return found

    @contextmanager
    def process(self) -> Iterator[Process]:
        """Run campaign-scheduler as a process of its own."""
        with self.log_file().open("ab") as log:
            process = started("campaign-scheduler", self.config, log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def log_file(self) -> Path:
        return self._folder / "scheduler.log"

    def close(self) -> None:
        """Leave nothing on the servers that the tests share."""
        delete_topics(self.admin, [self.topic])
        self.databases.close()
