"""Every verb of the command `campaign` against one running stack."""

import json
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from campaign_admin.campaign.main import main
from campaign_common.domain.api_key import Scope
from local_stack.servers.kafka import KafkaServer
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.services.system import System

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/reference/openapi.json").read_text())
PEOPLE = "phone,name,city\n4917612345678,Ann,Oslo\n4917612345679,Bob,\n123,Nobody,\n"
ANN = "+4917612345678"


@pytest.fixture
def stack(
    tmp_path: Path, database_servers: DatabaseServers, kafka_server: KafkaServer
) -> Iterator[System]:
    folder = tmp_path
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        system = System(folder, dsn, kafka_server.brokers)
        system.configure(Webhooks={"Keys": [{"Value": token_hex(16)}]})
        system.prepare()
        key = make_key(system.database, Scope.ADMIN).token
        (folder / "key").write_text(f"{key}\n")
        (folder / "people.csv").write_text(PEOPLE)
        (folder / "template.txt").write_text("Hi {name}\n")
        with system.services():
            yield system
        system.close()


class Command:
    """The command as a user of the stack calls it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.called = set[str]()
        self._environment = {
            "CAMP_URL": system.url,
            "CAMP_API_KEY_FILE": str(system.folder / "key"),
            "XDG_CONFIG_HOME": str(system.folder / "home"),
            "CAMP_API_KEY": None,
            "CAMP_PROFILE": None,
        }

    def run(self, *arguments: object, code: int = 0, **more: Any) -> Result:  # noqa: ANN401
        words = [str(argument) for argument in arguments]
        self.called.add(verb_of(main, words))
        environment = {**self._environment, **more.pop("env", {})}
        ended = CliRunner().invoke(main, words, env=environment, **more)
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return ended

    def json(self, schema: str | None, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
        """The output of `-o json`, which fits a schema of the OpenAPI document."""
        found = json.loads(self.run(*arguments, "-o", "json").stdout)
        if schema is not None:
            validator(schema).validate(found)
        return found


def verb_of(command: click.Command, words: list[str]) -> str:
    """The command that words call, without their arguments and options."""
    if not isinstance(command, click.Group) or not words or words[0] not in children(command):
        return ""
    below = children(command)[words[0]]
    return f"{words[0]} {verb_of(below, words[1:])}".strip()


def children(command: click.Group) -> dict[str, click.Command]:
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: below for name, below in found.items() if below is not None}


def every_verb(command: click.Group, name: str = "") -> Iterator[str]:
    for word, below in children(command).items():
        path = f"{name} {word}".strip()
        if isinstance(below, click.Group):
            yield from every_verb(below, path)
        if not isinstance(below, click.Group) or below.invoke_without_command:
            yield path


@cache
def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**DOCUMENT, "$ref": f"#/components/schemas/{schema}"})


def test_every_verb_against_a_running_stack(stack: System) -> None:
    """One test, since a stack takes longer to start than all verbs take."""
    command = Command(stack)
    for part in (
        from_a_csv_to_its_export,
        refused_and_cancelled,
        a_numbered_campaign,
        lists,
        people_and_suppressions,
        login_and_profiles,
        providers_doctor_api_and_completion,
        waiting,
        keys,
        webhooks,
        refusals,
    ):
        part(command)
    assert set(every_verb(main)) - command.called == set()


def draft(command: Command, name: str = "spring") -> int:
    path = command.system.folder / "people.csv"
    arguments = ("--csv", path, "--template", "Hi {name}", "--name", name)
    made = command.json("Campaign", "create", *arguments)
    assert made["state"] == "draft"
    return int(made["id"])


def from_a_csv_to_its_export(command: Command) -> None:
    folder = command.system.folder
    text = f"@{folder / 'template.txt'}"
    made = command.run("create", "--csv", folder / "people.csv", "--template", text, "-q")
    campaign_id = int(made.stdout)
    assert command.json("Campaign", "show", campaign_id)["template"] == "Hi {name}"
    previewed = command.json("PreviewResponse", "preview", campaign_id, "--limit", 1)
    assert previewed["messages"][0]["body"] == "Hi Ann"
    drafted = ("preview", "--template", "Hi {nam}", "--list", found_list(command, campaign_id))
    assert command.json("DraftPreviewResponse", *drafted)["unknown_columns"] == ["nam"]
    assert "no column nam" in command.run(*drafted).stdout
    assert command.json("DryRun", "check", campaign_id)["recipients"] == 2
    tried = command.json(
        "TestMessageResponse", "test", campaign_id, "--phone", ANN, "--set", "name=A"
    )
    assert tried["campaign_id"] == campaign_id
    late = command.json(
        "Campaign", "schedule", campaign_id, "--at", "2030-01-31T09:00", "--zone", "Europe/Oslo"
    )
    assert late["scheduled_at"].startswith("2030-01-31T08:00:00")
    assert late["time_zone"] == "Europe/Oslo"
    assert "2030-01-31 09:00 Europe/Oslo" in command.run("status", campaign_id).stdout
    command.json("Campaign", "start", campaign_id)
    assert "finished 2 of 2" in command.run("watch", campaign_id).stdout
    assert "finished" in command.run("status", campaign_id).stdout
    page = command.json("CampaignMessagePage", "messages", campaign_id, "--status", "sent")
    assert {one["name"] for one in page["messages"]} == {"Ann", "Bob"}
    assert (
        len(command.run("messages", campaign_id, "--all", "-o", "jsonl").stdout.splitlines()) == 2
    )
    command.run("export", campaign_id, "-f", folder / "out.csv")
    assert (folder / "out.csv").read_text() == command.run("export", campaign_id).stdout
    assert (folder / "out.csv").read_text().count("\n") == 3
    events = command.json("EventPage", "events", campaign_id)["events"]
    followed = command.run("events", campaign_id, "--follow", "-o", "jsonl").stdout.splitlines()
    assert sorted(json.loads(one)["id"] for one in followed) == sorted(e["id"] for e in events)
    assert (
        command.json("RetriedCampaign", "retry", campaign_id, "--status", "failed")["matched"] == 0
    )
    counted = command.json(None, "retry", campaign_id, "--status", "unknown", "--dry-run")
    assert (counted["messages"], counted["exact"]) == (0, True)
    coded = command.run("retry", campaign_id, "--status", "failed", "--error", "x", "--dry-run")
    assert coded.stdout == "0 messages would be sent once more\n"
    page = command.run("show", campaign_id, "--web").stdout
    assert page == f"{command.system.url}/campaigns/{campaign_id}\n"
    copy = command.json("Campaign", "clone", campaign_id)["id"]
    command.run("delete", copy, code=2)
    command.run("delete", copy, "--yes")
    command.run("show", copy, code=6)
    found = command.json("CampaignPage", "list", "--name", "people")["campaigns"]
    assert [one["id"] for one in found] == [campaign_id]
    assert command.json("CampaignPage", "list", "--all", "--state", "finished")["campaigns"]
    month = ("list", "--from", "2030-01-01T00:00Z", "--to", "2030-02-01T00:00Z")
    assert command.json("CampaignPage", *month)["campaigns"] == []


def found_list(command: Command, campaign_id: int) -> int:
    return int(command.json("Campaign", "show", campaign_id)["recipient_list_id"])


def refused_and_cancelled(command: Command) -> None:
    campaign_id = draft(command)
    command.run("pause", campaign_id, code=5)
    command.json("Campaign", "schedule", campaign_id, "--at", "2030-01-31T09:00:00Z")
    command.run("resume", campaign_id, code=5)
    command.run("cancel", campaign_id, "--yes")
    ended = command.run("watch", campaign_id, "-o", "json", code=3)
    validator("Campaign").validate(json.loads(ended.stdout))


def a_numbered_campaign(command: Command) -> None:
    arguments = ("--id", "77", "--name", "old", "--template", "hi {name}", "--csv", "old.csv")
    command.system.write_csv("Ann,4917612345678\n", "old.csv")
    for _ in range(2):
        assert "campaign watch 77" in command.run("create", *arguments).stdout
    command.run("watch", 77, "-q")


def lists(command: Command) -> None:
    made = command.json(
        "RecipientListDetail",
        "lists",
        "upload",
        command.system.folder / "people.csv",
        "--name",
        "p",
    )
    assert (made["accepted"], made["rejected"]) == (2, 1)
    piped = command.run("lists", "upload", "-", "-o", "json", input=PEOPLE).stdout
    assert json.loads(piped)["accepted"] == 2
    assert command.json("ListPage", "lists", "list")["recipient_lists"]
    command.json("RecipientListDetail", "lists", "show", made["id"])
    assert "123" in command.run("lists", "rejects", made["id"]).stdout
    command.run("lists", "delete", made["id"], "--yes")
    command.run("lists", "show", made["id"], code=6)


def people_and_suppressions(command: Command) -> None:
    phone = "+4917699999999"
    command.json("Suppression", "person", phone, "suppress")
    assert command.json("Person", "person", phone)["suppressions"]
    command.run("person", phone, "unsuppress")
    command.json("Suppression", "suppressions", "add", phone, "--reason", "complaint")
    assert command.json("SuppressionPage", "suppressions", "list")["suppressions"]
    assert "4917699999999" in command.run("suppressions", "export").stdout
    command.run("suppressions", "remove", phone)
    imported = command.run(
        "suppressions", "import", "-", "-o", "json", input=f"phone\n{phone[1:]}\n"
    )
    validator("Imported").validate(json.loads(imported.stdout))
    command.run("person", phone, "erase", code=2)
    command.json("ErasureResponse", "person", phone, "erase", "--yes")


def login_and_profiles(command: Command) -> None:
    key = (command.system.folder / "key").read_text()
    none: dict[str, Any] = {"env": {"CAMP_API_KEY_FILE": None, "CAMP_URL": None}}
    command.run(
        "login",
        "--url",
        command.system.url,
        "--profile",
        "wrong",
        input="nonsense\n",
        code=4,
        **none,
    )
    signed_in = command.run(
        "login", "--url", command.system.url, "--profile", "test", input=key, **none
    )
    assert "with the scope admin; profile test is in use" in signed_in.stdout
    file = command.system.folder / "home/camp-mgr/config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    command.run("list", **none)
    assert key.strip() not in command.run("profile", "show", **none).stdout
    assert "test" in command.run("profile", "list").stdout
    command.run("profile", "use", "test")
    command.run("profile", "remove", "test")
    command.run("list", code=1, env={**none["env"], "CAMP_URL": "http://127.0.0.1:1"})


def providers_doctor_api_and_completion(command: Command) -> None:
    assert command.json(None, "providers")[0]["name"] == "simulated"
    shown = command.json("LimitsInForce", "providers", "limits", "show", "simulated")
    assert shown["source"] == "configured"
    ramp = ("--ramp", "2030-01-31=5/1000")
    command.run("providers", "limits", "set", "simulated", "--per-day", 5_000, *ramp)
    changes = ("--per-second", "2500.5", "--zone", "Europe/Oslo")
    held = command.json("LimitsInForce", "providers", "limits", "set", "simulated", *changes)
    assert (held["limits"]["per_second"], held["limits"]["per_day"]) == (2500.5, 5_000)
    assert len(held["limits"]["ramp"]) == 1
    assert "per_day" in command.run("providers", "limits", "show", "simulated").stdout
    reset = command.json("LimitsInForce", "providers", "limits", "reset", "simulated")
    assert reset["source"] == "configured"
    command.run("providers", "limits", "show", "nobody", code=6)
    command.run("providers", "check", "simulated", "--dry-run", "--json")
    command.run("providers", "inbound-urls", "-c", command.system.config)
    assert isinstance(command.json(None, "routes"), list)
    assert command.json(None, "doctor", "-c", command.system.config)
    validator("Stats").validate(json.loads(command.run("api", "get", "/v1/stats").stdout))
    assert "_CAMPAIGN_COMPLETE" in command.run("completion", "zsh").stdout


def waiting(command: Command) -> None:
    """With --wait a verb ends with the campaign."""
    path = command.system.folder / "people.csv"
    arguments = ("create", "--csv", path, "--template", "Hi {name}")
    command.run(*arguments, "--wait", code=2)
    made = command.json("Campaign", *arguments, "--at", "now", "--wait")
    assert made["state"] == "finished"
    campaign_id = draft(command, "waiting")
    assert "finished 2 of 2" in command.run("start", campaign_id, "--wait").stdout
    cancelled = draft(command, "cancelled")
    command.run("cancel", cancelled, "--yes")
    command.run("resume", cancelled, "--wait", code=5)


def keys(command: Command) -> None:
    made = command.json("ApiKeyMade", "keys", "create", "--name", "reader", "--scope", "read")
    command.run("show", 999_999, code=6, env={"CAMP_API_KEY": made["key"]})
    command.run("keys", "list", code=4, env={"CAMP_API_KEY": made["key"]})
    printed = command.run("keys", "create", "--name", "writer", "--scope", "write", "-q").stdout
    listed = command.json("ApiKeys", "keys", "list")["api_keys"]
    assert {"reader", "writer"} <= {one["name"] for one in listed}
    command.run("keys", "revoke", made["id"], code=2)
    for key_id in (made["id"], printed.partition(".")[0]):
        command.run("keys", "revoke", key_id, "--yes")
    command.run("keys", "revoke", "0" * 16, "--yes", code=6)
    assert "\treader\tread\t" in command.run("keys", "list").stdout


def webhooks(command: Command) -> None:
    url = "http://127.0.0.1:9/events"
    made = command.json("Webhook", "webhooks", "add", url, "--kind", "list.imported")
    assert made["secret"].startswith("whsec_")
    number = made["id"]
    assert url in command.run("webhooks", "list").stdout
    command.run("webhooks", "change", number, code=2)
    other = (number, "--to", f"{url}/2", "--all-kinds", "--disable")
    changed = command.json("Webhook", "webhooks", "change", *other)
    assert changed["url"] == f"{url}/2"
    assert (changed["kinds"], changed["enabled"], changed["secret"]) == (None, False, None)
    command.run("webhooks", "change", number, "--enable")
    rotated = command.json("Webhook", "webhooks", "rotate", number)
    assert rotated["secret"] not in {None, made["secret"]}
    sent = command.json("Delivery", "webhooks", "test", number)
    assert sent["kind"] == "webhook.test"
    command.json("Delivery", "webhooks", "redeliver", number, sent["id"])
    page = command.json("DeliveryPage", "webhooks", "deliveries", number, "--limit", 1)
    assert [one["id"] for one in page["deliveries"]] == [sent["id"]]
    assert command.json("Webhook", "webhooks", "show", number)["enabled"]
    command.run("webhooks", "remove", number, "--yes")
    command.run("webhooks", "show", number, code=6)


def refusals(command: Command) -> None:
    ended = command.run("show", 999_999, "-o", "json", code=6)
    validator("Problem").validate(json.loads(ended.stderr))
    refused = command.run("show", 999_999, "-o", "json", code=4, env={"CAMP_API_KEY": "nonsense"})
    validator("Problem").validate(json.loads(refused.stderr))
