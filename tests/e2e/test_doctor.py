"""`campaign doctor` beside a system that is well, and beside ones that are not."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import NamedTuple

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from campaign_common.dsn import parse_dsn
from local_stack.ports import free_port
from tests.support.servers.databases import ONE_FLAVOUR
from tests.support.services.system import SHARDS, System
from tests.support.waiting import wait_until

Said = dict[str, str]


class Diagnosis(NamedTuple):
    """Output of the doctor, and its exit code."""

    findings: list[Said]
    code: int

    def of(self, check: str) -> list[Said]:
        return [found for found in self.findings if found["check"] == check]

    def statuses(self) -> set[tuple[str, str]]:
        return {(found["check"], found["status"]) for found in self.findings}

    def bad(self) -> list[Said]:
        return [found for found in self.findings if found["status"] in {"error", "unknown"}]


def examine(system: System) -> Diagnosis:
    completed = system.command("campaign", "doctor", "--json", "-c", str(system.config))
    assert not completed.stderr
    return Diagnosis(json.loads(completed.stdout), completed.returncode)


def one(diagnosis: Diagnosis, check: str, status: str, *words: str) -> Said:
    """The only finding of a check that has this status and all these words."""
    (found,) = [
        found
        for found in diagnosis.of(check)
        if found["status"] == status and all(word in found["message"] for word in words)
    ]
    return found


def change(system: System, sql: str) -> None:
    with system.database.transaction() as cursor:
        cursor.execute(sql)


def test_a_system_that_is_well(system: System) -> None:
    made = system.command(
        "campaign-db", "key", "create", "-c", str(system.config), "--name", "a", "--scope", "admin"
    )
    assert made.returncode == 0, made.stderr
    with system.services(senders=2):
        wait_until(lambda: len(owners(system)) == 2 and len(present(system)) == 2)
        diagnosis = examine(system)
    assert (diagnosis.bad(), diagnosis.code) == ([], 0)
    assert "2 alive" in one(diagnosis, "senders", "ok")["message"]
    one(diagnosis, "session timeout", "ok", "noticed after 6 s")
    assert ("campaigns", "ok") in diagnosis.statuses()
    # The servers of the tests are one broker, and a small database.
    assert {check for check, status in diagnosis.statuses() if status != "ok"} <= {
        "records",
        "limits",
        "durability",
        "memory",
    }


def present(system: System) -> list[tuple[str]]:
    """The senders that have said so themselves."""
    return system.rows("SELECT name FROM sender_heartbeats")


def owners(system: System) -> set[tuple[int, ...]]:
    return set(system.rows("SELECT DISTINCT owner_name FROM shard_claims WHERE owner_name <> ''"))


def test_what_is_missing_is_mended_by_the_command_that_is_named(system: System) -> None:
    change(system, "DROP TABLE message_retries_3")
    change(system, "DELETE FROM partition_map")
    diagnosis = examine(system)
    found = one(diagnosis, "schema", "error", "message_retries_3")
    assert diagnosis.code == 1
    assert ("topic", "unknown") in diagnosis.statuses()
    carry_out(system, found["remedy"])
    assert examine(system).of("schema")[0]["status"] == "ok"
    carry_out(system, one(examine(system), "partition map", "error")["remedy"])
    assert examine(system).of("partition map")[0]["status"] == "ok"
    key = one(examine(system), "API keys", "warning")["remedy"]
    carry_out(system, key)
    assert examine(system).of("API keys")[0]["status"] == "ok"


def carry_out(system: System, command: str) -> None:
    program, *arguments = shlex.split(command)
    completed = system.command(program, *arguments, "-c", str(system.config))
    assert completed.returncode == 0, completed.stderr


def test_partitions_that_are_of_no_use_and_a_topic_that_is_gone(system: System) -> None:
    more = str(SHARDS + 4)
    raised = system.command(
        "campaign-topics", "raise", "-c", str(system.config), "--partitions", more
    )
    assert raised.returncode == 0, raised.stderr
    one(examine(system), "partitions", "warning", "12 partitions for 8 shards", "4 stay empty")
    system.configure(MsgTableShardingSize=16)
    carry_out(system, "campaign-db migrate")
    found = one(examine(system), "partitions", "warning", "no more than 12 senders")
    carry_out(system, found["remedy"])
    assert examine(system).of("partitions")[0]["status"] == "ok"
    document = system.configuration()
    system.configure(SyncClient={**document["SyncClient"], "Topic": "another"})
    assert one(examine(system), "topic", "error", "does not exist")["remedy"] == (
        "campaign-topics create"
    )


@ONE_FLAVOUR
def test_a_topic_that_keeps_numbers_too_long(system: System) -> None:
    document = system.configuration()
    admin = AdminClient({"bootstrap.servers": document["SyncClient"]["Brokers"][0]})
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in (("cleanup.policy", "compact"), ("retention.ms", "-1"))
    ]
    topic = document["SyncClient"]["Topic"]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)
    diagnosis = examine(system)
    one(diagnosis, "retention", "error", topic, "is compact")
    one(diagnosis, "retention", "error", topic, "without end;")


@ONE_FLAVOUR
def test_a_group_that_notices_a_lost_sender_late(system: System) -> None:
    document = system.configuration()
    system.configure(SendClient={**document["SendClient"], "GroupProtocol": "classic"})
    found = one(examine(system), "session timeout", "warning", "after 45 s")
    assert "group.consumer.session.timeout.ms=5000" in found["remedy"]


def test_what_stands_still_for_want_of_a_process(system: System) -> None:
    change(
        system,
        "INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state,"
        " scheduled_at, lease_until, created_at) VALUES"
        " (1, 'due', 'hi', 1, 'at_least_once', 'simulated', 'scheduled',"
        "  NOW(6) - INTERVAL 40 SECOND, NULL, NOW(6)),"
        " (2, 'running', 'hi', 1, 'at_least_once', 'simulated', 'running',"
        "  NOW(6) - INTERVAL 60 SECOND, NOW(6) - INTERVAL 50 SECOND, NOW(6))",
    )
    change(
        system,
        "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
        " VALUES (5, 2, 'retry', '{}', NOW(6) - INTERVAL 60 SECOND)",
    )
    change(
        system,
        "INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by)"
        " VALUES ('http', NOW(6) + INTERVAL 90 SECOND, NOW(6), 'test')",
    )
    change(
        system,
        "INSERT INTO erasures (phone, actor, requested_at, last_list_id, step)"
        " VALUES ('4915112345678', 'test', NOW(6) - INTERVAL 2 HOUR, 0, 'lists')",
    )
    change(
        system,
        "INSERT INTO purged_campaigns (id, name, state, list_id, outcomes, created_at, over_since,"
        " actor, purged_at) VALUES (3, 'half', 'finished', 1, '{}', NOW(6), NOW(6), 'test',"
        " NOW(6) - INTERVAL 25 HOUR)",
    )
    diagnosis = examine(system)
    one(diagnosis, "schedulers", "error", "1 campaigns are due", "not started: 1")
    one(diagnosis, "schedulers", "error", "no scheduler holds 1 running campaigns: 2")
    one(diagnosis, "senders", "error", "none is alive")
    one(diagnosis, "shard commands", "warning", "of shards 5")
    one(diagnosis, "provider", "warning", "circuit breaker of http is open")
    one(diagnosis, "erasures", "warning")
    one(diagnosis, "purges", "warning", "1 campaigns")
    assert diagnosis.code == 1
    assert "4915112345678" not in str(diagnosis.findings)


def test_a_server_that_may_lose_commits(system: System) -> None:
    with server_setting(system, "innodb_flush_log_at_trx_commit", 2, usual=1):
        found = one(examine(system), "durability", "error", "innodb_flush_log_at_trx_commit is 2")
        change(system, found["remedy"].partition(",")[0])
        assert not [f for f in examine(system).of("durability") if f["status"] == "error"]


def test_a_user_without_rights_is_told_which_to_grant(system: System) -> None:
    schema = parse_dsn(system.dsn).database
    account = f"few_{token_hex(4)}"
    change(system, f"CREATE USER {account}@'%' IDENTIFIED BY 'secret'")
    change(system, f"GRANT SELECT, INSERT, UPDATE ON {schema}.* TO {account}@'%'")
    system.configure(Mysql={"DSN": system.dsn.replace("root:", f"{account}:secret", 1)})
    try:
        found = one(examine(system), "writes", "error", "lacks rights", "DELETE command denied")
        assert found["remedy"].startswith("GRANT SELECT, INSERT, UPDATE, DELETE")
        change(system, f"GRANT DELETE ON {schema}.* TO {account}@'%'")
        assert examine(system).of("writes")[0]["status"] == "ok"
    finally:
        change(system, f"DROP USER {account}@'%'")


@contextmanager
def server_setting(system: System, name: str, value: int, usual: int) -> Iterator[None]:
    change(system, f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        change(system, f"SET GLOBAL {name} = {usual}")


@pytest.mark.parametrize("away", ["database", "Kafka"])
def test_a_server_that_is_away_is_named_and_not_waited_for(system: System, away: str) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    if away == "database":
        system.configure(Mysql={"DSN": f"root:secret@tcp({nobody})/camp"})
    else:
        system.configure(
            SyncClient={**system.configuration()["SyncClient"], "Brokers": [nobody]},
        )
    diagnosis = examine(system)
    one(diagnosis, away, "error")
    assert diagnosis.code == 1
    assert "secret" not in str(diagnosis.findings)
    if away == "database":
        unseen = {check for check, status in diagnosis.statuses() if status == "unknown"}
        assert unseen == {
            "schema",
            "writes",
            "API keys",
            "send guard",
            "topic",
            "live weights",
            "campaigns",
        }
    else:
        assert ("schema", "ok") in diagnosis.statuses()


@ONE_FLAVOUR
def test_a_careless_configuration_is_told(system: System) -> None:
    password = "p4ssw0rd"
    system.configure(
        Mysql={"DSN": f"root:{password}@tcp(127.0.0.1:{free_port()})/camp"},
        Auth="none",
        Threads=4,
        Api={"MaxImports": 4},
        CsvRoot=str(system.folder / "nowhere"),
    )
    system.config.chmod(0o644)
    diagnosis = examine(system)
    for words in ("Auth is none", "MaxImports", "every user of this machine may read it"):
        one(diagnosis, "configuration", "warning", words)
    one(diagnosis, "configuration", "error", "CsvRoot")
    assert password not in str(diagnosis.findings)


@ONE_FLAVOUR
def test_the_table_for_people_says_the_same(system: System) -> None:
    shown = system.command("campaign", "doctor", "-c", str(system.config))
    assert shown.returncode == 1
    assert "none is alive" in shown.stdout
    assert "campaign-sender -c FILE" in shown.stdout
