"""A receipt that comes while a message waits after an unclear answer, through all processes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from campaign_common.domain.message import Status
from local_stack.servers.kafka import KafkaServer
from tests.support.providers.recording_provider import Call, Faults
from tests.support.providers.recordings import BODY, RecordingProvider, recording_provider
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.services.system import SHARDS, System
from tests.support.waiting import wait_until

NAME, USER, PASSWORD = "gate", "reporter", "a password"
RECIPIENTS = 4
WAIT = 6.0
"""Seconds for which a message waits for a receipt."""

CALLBACKS: Mapping[str, Any] = {
    "Verify": "basic",
    "Users": [{"User": USER, "Password": PASSWORD}],
    "Mapping": {
        "Receipts": {
            "Body": "json",
            "Reference": "ref",
            "Status": "status",
            "Words": {"undelivered": ["no"]},
        }
    },
}


@pytest.fixture
def system(
    tmp_path: Path, database_servers: DatabaseServers, kafka_server: KafkaServer
) -> Iterator[System]:
    """Work on one flavour of database: the statements have their own tests on both."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        made = System(tmp_path, dsn, kafka_server.brokers)
        made.prepare()
        yield made
        made.close()


def test_a_receipt_in_time_prevents_the_repetition(tmp_path: Path, system: System) -> None:
    """Half of the messages are reported: they are sent once, by the provider's log."""
    with recording_provider(tmp_path / "calls", "--half", 1.0) as provider:
        system.configure(
            Callbacks={
                "BaseUrl": "https://camp.example.com",
                "Secrets": [{"Value": "a secret of our references"}],
            },
            Provider=NAME,
            Providers={NAME: with_references(provider)},
            Retry={"Classes": {"ambiguous": {"ReceiptWait": f"{WAIT}s"}}},
        )
        with system.services():
            people = "".join(f"Ann,{13900000000 + n}\n" for n in range(RECIPIENTS))
            system.write_csv(people)
            system.create(1, "recipients.csv")
            wait_until(lambda: statuses(system) == [Status.WAITING] * RECIPIENTS)
            provider.set_faults(Faults())
            first = provider.calls()
            reported = first[::2]
            for call in reported:
                report(system, call)
            system.wait_until_finished(1)
        calls = provider.calls()
    times: dict[str, list[float]] = {}
    for call in calls:
        times.setdefault(call.sent.phone, []).append(call.at)
    once = {phone for phone, at in times.items() if len(at) == 1}
    assert once == {call.sent.phone for call in reported}
    assert all(at[1] - at[0] >= WAIT for at in times.values() if len(at) > 1)
    assert len(calls) == RECIPIENTS + len(first) - len(reported)
    assert statuses(system) == [Status.SENT] * RECIPIENTS


def with_references(provider: RecordingProvider) -> dict[str, object]:
    """Return a provider that is told the reference of each message, and reports it."""
    body = {"Type": "json", "Json": {**BODY, "message_id": "{reference}"}}
    return provider.template(Timeout="5s") | {"Body": body, "Callbacks": CALLBACKS}


def report(system: System, call: Call) -> None:
    answer = requests.post(
        f"{system.url}/v1/callbacks/{NAME}",
        json={"ref": call.sent.message_id, "status": "no"},
        auth=(USER, PASSWORD),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def statuses(system: System) -> list[int]:
    tables = " UNION ALL ".join(f"SELECT status FROM messages_{n}" for n in range(SHARDS))
    return [status for (status,) in system.rows(tables)]
