"""The whole system as its users run it: a configuration, a topic, and the console scripts."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import requests
import yaml
from confluent_kafka.admin import AdminClient

from campaign_common.database import Database, Databases
from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import dead_letter_topic
from campaign_common.kafka.partition_migration import PartitionMigration
from campaign_common.settings import load_settings
from local_stack.ports import free_port
from tests.support.servers.topics import delete_topics
from tests.support.services.api_service import make_schema
from tests.support.services.processes import Process, completed, running
from tests.support.waiting import wait_until

SHARDS = 8
LOOK_AGAIN = 0.1
"""Seconds between two questions whether a campaign has finished: each costs the API work."""


class System:
    """Commands, services and requests against servers of the test run."""

    def __init__(self, folder: Path, dsn: str, brokers: str) -> None:
        name = token_hex(4)
        self._brokers = brokers
        self._topic = f"Sync-Msg-T-{name}"
        self.folder = folder
        self.dsn = dsn
        self.config = folder / "campmgr.yaml"
        self._document: dict[str, object] = {
            "Host": "127.0.0.1",
            "Port": free_port(),
            "CsvRoot": str(folder),
            "Mysql": {"DSN": dsn},
            "SyncClient": {"Topic": self._topic, "Brokers": [brokers]},
            "SendClient": {"Brokers": [brokers], "Group": f"Msg-Consumer-G-{name}"},
            "MsgTableShardingSize": SHARDS,
            "DrainTimeout": "10s",
            "Scheduler": {"Lease": "3s"},
        }
        self.configure()
        self.url = f"http://127.0.0.1:{self._document['Port']}"
        self.database = Database(load_settings(self.config, {}).mysql)

    def configure(self, **sections: object) -> None:
        """Write the configuration that processes started from now on read."""
        self._document.update(sections)
        self.config.write_text(yaml.safe_dump(self._document))

    def use_database(self, dsn: str) -> None:
        """Work on another database from now on."""
        self.dsn = dsn
        self.configure(Mysql={"DSN": dsn})
        self.database.close()
        self.database = Database(load_settings(self.config, {}).mysql)

    def configuration(self) -> dict[str, Any]:
        """Return the sections as they are written now."""
        return dict(self._document)

    def close(self) -> None:
        """Delete the topics, which are many by the end of a run, and close the connections."""
        admin = AdminClient({"bootstrap.servers": self._brokers})
        delete_topics(admin, [self._topic, dead_letter_topic(self._topic)])
        self.database.close()

    def command(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return completed(program, arguments)

    def prepare(self, partitions: int = SHARDS, replicas: int = 1) -> None:
        """Make schema and topics as `campaign-db migrate` and `campaign-topics create` do."""
        make_schema(self.config)
        settings = load_settings(self.config, {})
        admin, topic = clients.admin(settings), settings.sync_client.topic
        topics.create(admin, topic, partitions=partitions, replication_factor=replicas)
        topics.create_dead_letters(admin, dead_letter_topic(topic), replication_factor=replicas)
        databases = Databases.configured(settings)
        partition_migration = PartitionMigration(databases, admin, topic, "test")
        wait_until(lambda: _has_partition_map(partition_migration))
        databases.close()

    def run(self, program: str, *, as_installed: bool = False) -> AbstractContextManager[Process]:
        """Run one service."""
        return running(program, self.config, as_installed=as_installed)

    @contextmanager
    def services(
        self, *, schedulers: int = 1, senders: int = 1, as_installed: bool = False
    ) -> Iterator[list[Process]]:
        """Run API, schedulers and senders; yields their processes in that order."""
        with ExitStack() as stack:
            processes = [
                stack.enter_context(self.run(program, as_installed=as_installed))
                for program in (
                    "campaign-api",
                    *["campaign-scheduler"] * schedulers,
                    *["campaign-sender"] * senders,
                )
            ]
            wait_until(lambda: self.is_ready() or any(p.poll() is not None for p in processes))
            assert [p.poll() for p in processes] == [None] * len(processes), self.logs()
            yield processes

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in self.folder.glob("*.log"))

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def write_csv(self, text: str, name: str = "recipients.csv") -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def create(
        self,
        campaign_id: int,
        csv: str,
        template: str = "hi {name}",
        delay: int = 0,
        name: str = "",
        **headers: str,
    ) -> None:
        """Create a campaign that is due at once, or after so many seconds."""
        answer = requests.post(
            f"{self.url}/v1/camp/create",
            json={
                "campaign_name": name or f"game{campaign_id}",
                "campaign_id": campaign_id,
                "message_template": template,
                "scheduled_time": int(time.time()) + delay,
                "csv_file_path": csv,
            },
            headers=headers,
            timeout=60,
        )
        assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "success"})

    def change(self, campaign_id: int, verb: str) -> None:
        """Pause, resume or cancel a campaign."""
        answer = requests.post(f"{self.url}/v1/campaigns/{campaign_id}/{verb}", timeout=30)
        assert answer.status_code == 200, answer.text

    def campaign(self, campaign_id: int) -> Mapping[str, object]:
        answer = requests.get(f"{self.url}/v1/campaigns/{campaign_id}", timeout=10)
        assert answer.status_code == 200, answer.text
        body: Mapping[str, object] = json.loads(answer.text)
        return body

    def is_finished(self, campaign_id: int) -> bool:
        return self.campaign(campaign_id)["state"] == "finished"

    def wait_until_finished(self, campaign_id: int) -> None:
        wait_until(lambda: self.is_finished(campaign_id), interval=LOOK_AGAIN)

    def statuses(self, campaign_id: int) -> Mapping[str, int]:
        """Each recipient's status number by phone, from the view."""
        with self.database.reading() as cursor:
            cursor.execute(
                "SELECT phone, status FROM campaign_messages WHERE campaign_id = %s",
                (campaign_id,),
            )
            return dict(cursor.fetchall())

    def rows(self, sql: str) -> tuple[tuple[int, ...], ...]:
        with self.database.reading() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()


def _has_partition_map(partition_migration: PartitionMigration) -> bool:
    try:
        return partition_migration.step().partition_map.is_active
    except (TopicMissing, KafkaUnavailable):  # the brokers do not all know the topic yet
        return False
