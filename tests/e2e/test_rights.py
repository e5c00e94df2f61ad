"""Kafka users that may not do what their service needs: it is named, and granting it is enough."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, ResourceType  # type: ignore[attr-defined]

from campaign_common.kafka.dead_letters import dead_letter_group, dead_letter_topic
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.guarded_kafka import PASSWORD, USERS, GuardedKafka
from tests.support.services.processes import running
from tests.support.services.system import System
from tests.support.waiting import wait_until

CAMPAIGN = 1000000000
RECIPIENTS = 300
MAY = AclOperation
LETTERS = ("campaign-topics", "dlq")
CLUSTER = (ResourceType.BROKER, "kafka-cluster")


class Guarded:
    """A system whose services come to Kafka as users of their own."""

    def __init__(self, system: System, kafka: GuardedKafka) -> None:
        self.system = system
        self.topic = str(system.configuration()["SyncClient"]["Topic"])
        self.letters = dead_letter_topic(self.topic)
        self.group = str(system.configuration()["SendClient"]["Group"])
        self._kafka = kafka

    def configured_for(self, user: str) -> Path:
        """The configuration of a service that comes as this user."""
        document = self.system.configuration()
        for section in ("SyncClient", "SendClient"):
            document[section] = {**document[section], "Brokers": [self._kafka.address]}
        document["KafkaProperties"] = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanisms": "PLAIN",
            "sasl.username": user,
            "sasl.password": PASSWORD,
        }
        folder = self.system.folder / user
        folder.mkdir(exist_ok=True)
        config = folder / "campmgr.yaml"
        config.write_text(yaml.safe_dump(document))
        return config

    def of_topic(self, user: str, *operations: AclOperation) -> None:
        self._kafka.allow(user, ResourceType.TOPIC, self.topic, *operations)

    def of_letters(self, user: str, *operations: AclOperation) -> None:
        self._kafka.allow(user, ResourceType.TOPIC, self.letters, *operations)

    def of_group(self, user: str, group: str, *operations: AclOperation) -> None:
        self._kafka.allow(user, ResourceType.GROUP, group, *operations)

    def of_cluster(self, user: str, *operations: AclOperation) -> None:
        self._kafka.allow(user, *CLUSTER, *operations)

    def put_away(self, value: bytes) -> None:
        """Put a dead letter into their topic."""
        producer = Producer({"bootstrap.servers": self._kafka.server.brokers})
        producer.produce(self.letters, value, headers=[("reason", "bad")])
        assert producer.flush(30) == 0

    def said(self, user: str, *words: str) -> list[dict[str, Any]]:
        """The lines of a user's services that have all these words."""
        lines = [
            line
            for log in (self.system.folder / user).glob("*.log")
            for line in log.read_text().splitlines()
        ]
        return [json.loads(line) for line in lines if all(word in line for word in words)]


@pytest.fixture
def guarded(
    tmp_path: Path, database_servers: DatabaseServers, guarded_kafka: GuardedKafka
) -> Iterator[Guarded]:
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        system = System(tmp_path, dsn, guarded_kafka.server.brokers)
        system.prepare()
        yield Guarded(system, guarded_kafka)
        system.database.close()
        for user in USERS:
            guarded_kafka.forbid_all(user)


def test_rights_that_are_granted_late_are_enough(guarded: Guarded) -> None:
    """Scheduler and sender start without their rights, say so, and go on as they get them."""
    system = guarded.system
    guarded.of_topic("scheduler", MAY.DESCRIBE)
    with (
        system.run("campaign-api"),
        running("campaign-scheduler", guarded.configured_for("scheduler")) as scheduler,
        running("campaign-sender", guarded.configured_for("sender")) as sender,
    ):
        wait_until(system.is_ready)
        system.write_csv("".join(f"n{n},{13900000000 + n}\n" for n in range(RECIPIENTS)))
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(
            lambda: guarded.said(
                "scheduler", "dependency unavailable", "deliver-chunks", "authorization"
            )
        )
        wait_until(lambda: guarded.said("sender", "start delayed", "Cluster authorization"))
        guarded.of_cluster("sender", MAY.DESCRIBE_CONFIGS)
        wait_until(lambda: guarded.said("sender", "start delayed", "Topic authorization"))
        guarded.of_letters("sender", MAY.WRITE)
        wait_until(lambda: guarded.said("sender", "start resumed"))
        wait_until(lambda: guarded.said("sender", "Kafka consumer error", "Group authorization"))
        guarded.of_group("sender", guarded.group, MAY.READ)
        wait_until(lambda: guarded.said("sender", "Kafka consumer error", "Topic authorization"))
        guarded.of_topic("sender", MAY.READ)
        assert system.campaign(CAMPAIGN)["state"] == "running"
        guarded.of_topic("scheduler", MAY.WRITE)
        system.wait_until_finished(CAMPAIGN)
        assert [scheduler.poll(), sender.poll()] == [None, None]
    assert set(system.statuses(CAMPAIGN).values()) == {1}
    assert guarded.said("scheduler", "dependency recovered", "deliver-chunks")
    assert guarded.said("sender", "Kafka consumer recovered")
    assert not guarded.said("scheduler", "Local: Fatal error")
    assert len(guarded.said("scheduler", "dependency unavailable", "deliver-chunks")) <= 2
    assert len(guarded.said("sender", "start delayed")) == 2


def test_missing_rights_are_named(guarded: Guarded) -> None:
    """`campaign doctor` and `campaign-topics describe` name each right that this user lacks."""
    topic, letters = guarded.topic, guarded.letters
    guarded.of_topic("sender", MAY.READ, MAY.ALTER, MAY.DESCRIBE_CONFIGS)
    guarded.of_letters("sender", MAY.READ, MAY.WRITE, MAY.DELETE, MAY.DESCRIBE_CONFIGS)
    guarded.of_cluster("sender", MAY.DESCRIBE_CONFIGS)
    guarded.of_group("sender", dead_letter_group(guarded.group), MAY.READ)
    config = str(guarded.configured_for("sender"))
    of_group = f"group {guarded.group}"
    lacking = {f"Write on topic {topic}", f"Read on {of_group}", f"Describe on {of_group}"}
    wait_until(lambda: rights(guarded, config).keys() == lacking, interval=0.5)
    found = rights(guarded, config)
    assert found[f"Write on topic {topic}"] == "which campaign-scheduler and campaign-topics needs"
    guarded.of_group("sender", guarded.group, MAY.READ)
    wait_until(lambda: rights(guarded, config).keys() == {f"Write on topic {topic}"}, interval=0.5)
    described = guarded.system.command("campaign-topics", "describe", "-c", config)
    assert f"this user lacks Write on topic {topic}, for campaign-scheduler" in described.stdout
    assert f"topic {letters} retention: cleanup.policy delete, retention 604800 s" in (
        described.stdout
    )


def test_a_letter_that_may_not_be_replayed_waits(guarded: Guarded) -> None:
    """A dead letter that the broker refuses is not counted as replayed."""
    guarded.put_away(b"no record")
    guarded.of_topic("sender", MAY.DESCRIBE)
    guarded.of_letters("sender", MAY.READ, MAY.WRITE)
    guarded.of_group("sender", dead_letter_group(guarded.group), MAY.READ)
    config = str(guarded.configured_for("sender"))
    wait_until(lambda: guarded.system.command(*LETTERS, "list", "-c", config).returncode == 0)
    refused = guarded.system.command(*LETTERS, "replay", "-c", config)
    assert refused.returncode == 1
    assert "Topic authorization failed" in refused.stderr
    guarded.of_topic("sender", MAY.WRITE)
    replayed = guarded.system.command(*LETTERS, "replay", "-c", config)
    assert replayed.stdout == "1 dead letters replayed\n", replayed.stderr


def rights(guarded: Guarded, config: str) -> dict[str, str]:
    """The rights that are lacking by the doctor, and what needs them."""
    said = guarded.system.command("campaign", "doctor", "--json", "-c", config).stdout
    found = [f["message"] for f in json.loads(said) if f["check"] == "rights" and f["remedy"]]
    parts = [said.removeprefix("this user lacks ").partition(", ") for said in found]
    return {right: who for right, _, who in parts}
