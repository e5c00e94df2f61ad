"""A schema, a topic and a group of their own, and real sender processes working on them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml
from confluent_kafka import TopicPartition

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.domain.message import Status
from campaign_common.domain.message_record import MessageRecord, encode
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.shard import shard_of
from campaign_common.errors import TopicMissing
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import dead_letter_topic
from campaign_common.settings import load_settings
from campaign_common.store.shards.partition_map import insert_first_map, read_map
from tests.support.servers.schemas import make_current
from tests.support.servers.topics import delete_topics
from tests.support.services.processes import Process, completed, running
from tests.support.waiting import wait_until

SHARDS = 8
CAMPAIGN = 1000000000

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, shards,
                       last_seq, total, created_at, started_at)
VALUES (%s, 'game0', 'hi', 1, %s, 'simulated', 'running', 1, %s, %s, %s, NOW(6), NOW(6))
"""


class World:
    """The database, topic and senders of one test; `configure` sets the senders' behaviour."""

    def __init__(self, folder: Path, dsn: str, brokers: str) -> None:
        self._folder = folder
        self.dsn = dsn
        self._name = token_hex(4)
        self._document: dict[str, object] = {
            "Mysql": {"DSN": dsn},
            "SyncClient": {"Topic": f"Sync-Msg-T-{self._name}", "Brokers": [brokers]},
            "SendClient": {"Brokers": [brokers], "Group": f"Msg-Consumer-G-{self._name}"},
            "MsgTableShardingSize": SHARDS,
            "DrainTimeout": "10s",
        }
        self.config = folder / "campmgr.yaml"
        self.configure()
        self.database = Database(self.settings.mysql)
        make_current(self.database, SHARDS)
        self._admin = clients.admin(self.settings)
        self._producer = clients.producer(self.settings)
        self._make_topic()

    def configure(self, **sections: object) -> None:
        """Write the configuration that senders started from now on read."""
        self._document.update(sections)
        self.config.write_text(yaml.safe_dump(self._document))
        self.settings = load_settings(self.config, {})

    @property
    def topic(self) -> str:
        return self.settings.sync_client.topic

    def add_campaign(self, recipients: int, delivery: Delivery = Delivery.AT_LEAST_ONCE) -> None:
        """Make a running campaign, as the scheduler leaves it."""
        with self.database.transaction() as cursor:
            cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, delivery, SHARDS, recipients, recipients))

    def set_state(self, state: CampaignState, epoch: int) -> None:
        with self.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET state = %s, epoch = %s", (state, epoch))

    def publish(
        self, seqs: Sequence[int], *, epoch: int = 1, try_number: int = 1, shards: int = SHARDS
    ) -> None:
        """Publish one record for each recipient `seq`, as the fan-out does."""
        partition_map = self.partition_map
        for seq in seqs:
            phone = str(13900000000 + seq)
            shard = shard_of(phone, shards)
            record = MessageRecord(
                wire_version=1,
                campaign_id=CAMPAIGN,
                seq=seq,
                shard=shard,
                campaign_epoch=epoch,
                map_version=partition_map.version,
                phone=phone,
                body=f"hi user{seq}",
                try_number=try_number,
            )
            self.publish_raw(encode(record), phone, partition_map.partition(shard))
        assert self._producer.flush(30) == 0

    def publish_raw(self, value: bytes, key: str, partition: int) -> None:
        while True:
            try:
                self._producer.produce(self.topic, value=value, key=key, partition=partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def delete_records(self) -> None:
        """Delete every record of the topic, as retention does."""
        ends = topics.log_ends(self._admin, self.topic, range(SHARDS))
        places = [TopicPartition(self.topic, number, end) for number, end in ends.items()]
        for future in self._admin.delete_records(places).values():
            future.result()

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    @property
    def partition_map(self) -> PartitionMap:
        with self.database.reading() as cursor:
            found = read_map(cursor, self.topic)
        assert found is not None
        return found

    def sender(self) -> AbstractContextManager[Process]:
        """Run one sender process."""
        return running("campaign-sender", self.config)

    def command(self, *words: str) -> str:
        """Run `campaign-topics` and return what it prints."""
        ended = completed("campaign-topics", [*words, "-c", self.config])
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def dead_letters(self, *words: str) -> list[dict[str, Any]]:
        """The dead letters as `campaign-topics dlq` prints them in JSON."""
        return [json.loads(line) for line in self.command("dlq", *words).splitlines()]

    def dead_letters_held(self) -> int:
        """Count the records of the dead-letter topic, copies included."""
        topic = dead_letter_topic(self.topic)
        try:
            return topics.log_ends(self._admin, topic, [0])[0]
        except TopicMissing:  # the first sender makes it
            return 0

    def counts(self) -> dict[Status, int]:
        """The campaign's counters, zeros left out."""
        rows = self.rows("SELECT status, SUM(n) FROM campaign_counters GROUP BY status")
        return {Status(status): int(n) for status, n in rows if n}

    def ledger(self) -> dict[Status, int]:
        """Count the rows of the ledger tables by status."""
        tables = " UNION ALL ".join(f"SELECT status FROM messages_{n}" for n in range(SHARDS))
        rows = self.rows(f"SELECT status, COUNT(*) FROM ({tables}) m GROUP BY status")
        return {Status(status): n for status, n in rows}

    def claimed(self) -> int:
        """Count the shards that have an open claim."""
        return len(self.rows("SELECT shard FROM shard_claims WHERE claimed <> ''"))

    def suspects(self) -> int:
        ((n,),) = self.rows("SELECT COUNT(*) FROM possibly_sent")
        return int(n)

    def shards_by_sender(self) -> list[int]:
        """Count the shards of each sender, the fewest first."""
        rows = self.rows(
            "SELECT COUNT(*) FROM shard_claims WHERE owner_name <> '' GROUP BY owner_name"
        )
        return sorted(n for (n,) in rows)

    def epochs(self) -> Mapping[int, int]:
        return dict(self.rows("SELECT shard, epoch FROM shard_claims"))  # type: ignore[arg-type]

    def rows(self, sql: str) -> tuple[tuple[int, ...], ...]:
        with self.database.reading() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def close(self) -> None:
        delete_topics(self._admin, [self.topic])
        self.database.close()

    def _has_topic(self) -> bool:
        try:
            return topics.describe(self._admin, self.topic).partitions == SHARDS
        except TopicMissing:
            return False

    def _make_topic(self) -> None:
        topics.create(self._admin, self.topic, partitions=SHARDS, replication_factor=1)
        wait_until(self._has_topic)
        description = topics.describe(self._admin, self.topic)
        with self.database.transaction() as cursor:
            insert_first_map(cursor, self.topic, description)
