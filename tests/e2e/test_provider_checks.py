"""campaign providers check, from the command through API and database to a sender and a gateway."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campaign_admin.campaign.main import main
from local_stack.servers.kafka import KafkaServer
from tests.integration.sender.test_refused_account import gateway
from tests.support.providers.recording_provider import Faults
from tests.support.providers.recordings import recording_provider
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.services.system import System
from tests.support.waiting import wait_until

SECRET = "s3cret&old"
PHONE = "4917612345678"


@pytest.fixture
def one_system(
    tmp_path: Path, database_servers: DatabaseServers, kafka_server: KafkaServer
) -> Iterator[System]:
    """Work on one flavour of database: the statements have their own tests on both."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        system = System(tmp_path, dsn, kafka_server.brokers)
        system.prepare()
        yield system
        system.close()


def test_a_refused_account_is_found_and_ended_by_a_check(
    tmp_path: Path, one_system: System
) -> None:
    """A dry run sends nothing, a check one message; the breaker of the account closes with it."""
    system = one_system
    secret = tmp_path / "token"
    secret.write_text(f"{SECRET}\n")
    with recording_provider(tmp_path / "calls") as provider:
        provider.set_faults(Faults(authorization="Bearer new"))
        system.configure(Providers={"acme": gateway(provider.url, secret)}, Provider="acme")
        with system.services():
            wait_until(lambda: state(system) == "ready")

            dry = check(system, "--dry-run")
            assert dry.exit_code == 0, dry.output
            assert f"POST {provider.url}\n" in dry.output
            assert "Authorization: Bearer MASKED\n" in dry.output
            assert provider.calls() == []

            system.write_csv(f"Ann,{PHONE}\n")
            system.create(1, "recipients.csv")
            wait_until(lambda: state(system) == "account_refused")
            refused = check(system, "--to", f"+{PHONE}")
            assert refused.exit_code == 1, refused.output
            assert " s: 401\n" in refused.output
            assert "Read as account, by default by status" in refused.output
            assert "error code: http_401" in refused.output
            assert "***********78" in refused.output

            provider.set_faults(Faults(authorization=f"Bearer {SECRET}"))
            accepted = check(system, "--to", PHONE, "--json")
            assert accepted.exit_code == 0, accepted.output
            made = json.loads(accepted.output)
            key = f"check-{made['id']}"
            assert [call.fate for call in provider.calls() if call.key == key] == ["202"]
            wait_until(lambda: "provider accepts the account again" in system.logs())
            wait_until(lambda: system.is_finished(1))

            secret.unlink()
            unreadable = check(system, "--to", PHONE)
            assert unreadable.exit_code == 1
            assert f"Nothing was sent: secret token, {secret}: No such" in unreadable.output
            table = campaign(system)
            assert "acme (default)" in table.output
            shown = "".join(each.output for each in (dry, refused, accepted, unreadable, table))
            assert SECRET not in shown + system.logs()
            assert PHONE not in shown + system.logs()
    assert open_numbers(system) == 0


def campaign(system: System, *arguments: str) -> Result:
    command = ["providers", *arguments, "-c", str(system.config)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def check(system: System, *options: str) -> Result:
    return campaign(system, "check", "acme", *options)


def state(system: System) -> str:
    items = json.loads(campaign(system, "--json").output)
    (found,) = (item["state"] for item in items if item["name"] == "acme")
    return str(found)


def open_numbers(system: System) -> int:
    """Count the checks that keep a number."""
    ((n,),) = system.rows("SELECT COUNT(*) FROM provider_checks WHERE phone NOT LIKE '*%'")
    return int(n)
