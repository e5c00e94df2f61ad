"""POST /v1/providers/{name}/checks, and GET of one."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.settings import ApiSettings, Settings
from campaign_common.store.messages.provider_checks import (
    CheckResult,
    TakenCheck,
    end_check,
    take_check,
)
from tests.integration.api.providers.heartbeats import beat, statistics
from tests.integration.api.stored import change, rows, value
from tests.support.keys import bearer, make_key
from tests.unit.providers.gateways import gateway

URL = "/v1/providers/simulated/checks"
PHONE = "+49 176 12345678"
REPORT = {
    "request": {"method": "POST", "url": "https://g.example", "headers": [], "body": "x"},
    "note": None,
    "exchange": {
        "answer": {"status": 200, "headers": [], "body": "ok", "is_cut": False, "seconds": 0.1},
        "reading": {
            "word": "success",
            "rule": "rule 1 of Answers: {Status: 2xx, Then: success}",
            "provider_message_id": "id-1",
            "error_code": None,
            "retry_after": None,
            "suppress": False,
        },
    },
}


def take(pool: Database, provider: str = "simulated") -> TakenCheck | None:
    return pool.run(lambda cursor: take_check(cursor, {provider: 5.0}, [], "sender-1"))


def end(pool: Database, result: CheckResult) -> TakenCheck:
    """Be the sender that makes the check which waits."""
    taken = take(pool)
    assert taken is not None
    pool.run(lambda cursor: end_check(cursor, taken, result))
    return taken


def done(report: Mapping[str, Any]) -> CheckResult:
    return CheckResult(report=msgspec.Raw(msgspec.json.encode(report)))


def read(client: FlaskClient, check: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{URL}/{check['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def ask(client: FlaskClient, **body: object) -> dict[str, Any]:
    answer = client.post(URL, json=body or {"phone": PHONE})
    assert answer.status_code == 202, answer.text
    check: dict[str, Any] = answer.json  # type: ignore[assignment]
    return check


def test_a_check_is_stored_made_and_read(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    with capture_logs() as logs:
        check = ask(client)
    assert (check["state"], check["request"], check["problem"]) == ("waiting", None, None)
    assert check["phone"] == "***********78"
    taken = end(pool, done(REPORT))
    assert (taken.phone, taken.dry_run) == ("4917612345678", False)
    assert taken.content.body == "Check of provider simulated"
    made = read(client, check)
    assert (made["state"], made["sender"]) == ("done", "sender-1")
    assert (made["request"], made["answer"], made["reading"]) == (
        REPORT["request"],
        *REPORT["exchange"].values(),  # type: ignore[union-attr]
    )
    assert made["ended_at"] >= made["requested_at"]
    events = rows(pool, "SELECT provider, actor, kind, details FROM provider_events")
    ((provider, actor, kind, details),) = events
    assert (provider, actor, kind) == ("simulated", "api", "check")
    assert msgspec.json.decode(details) == {"check": check["id"], "dry_run": False}
    (line,) = [entry for entry in logs if entry["event"] == "provider check requested"]
    assert (line["provider"], line["key"]) == ("simulated", "api")
    assert "176" not in str(line)
    assert client.get("/v1/providers/simulated/limits").json["events"] == []  # type: ignore[index]
    assert value(pool, "SELECT COUNT(*) FROM campaign_counters") == 0


def test_content_and_originator_go_with_it(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    content = {"kind": "template", "name": "hi", "language": "de", "parts": ["Ann", "{phone}"]}
    ask(client, dry_run=True, content=content, **{"from": "Shop"})
    taken = take(pool)
    assert taken is not None
    assert taken.content.template is not None
    assert taken.content.template.parts == ("Ann", "12025550123")
    assert (taken.content.originator, taken.dry_run) == ("Shop", True)


def test_what_cannot_be_checked_is_refused(settings: Settings, pool: Database) -> None:
    template = gateway(Body={"Type": "json", "Json": {"x": "{template.name}"}})
    text = gateway(Body={"Type": "json", "Json": {"x": "{body}"}}, MaxLength=10)
    providers = MappingProxyType({"text": text, "template": template})
    configured = replace(settings, providers=providers)
    client = create_app(configured, Databases((pool,))).test_client()
    beat(pool, text=statistics(), template=statistics())
    long, named = ({"kind": "text", "template": text} for text in ("x" * 11, "hi {name}"))
    for provider, body, field in (
        ("text", {}, "phone"),
        ("text", {"dry_run": True, "content": named}, "content"),
        ("text", {"dry_run": True, "content": long}, "template"),
        ("text", {"dry_run": True, "from": "Shop"}, "from"),
        ("template", {"dry_run": True}, "content"),
    ):
        answer = client.post(f"/v1/providers/{provider}/checks", json=body)
        assert answer.status_code == 422
        assert answer.json is not None
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert value(pool, "SELECT COUNT(*) FROM provider_checks") == 0


def test_an_unknown_provider_is_not_found(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    unknown = client.post("/v1/providers/nobody/checks", json={"dry_run": True})
    assert unknown.status_code == 404
    assert unknown.json is not None
    assert unknown.json["detail"] == "there is no provider nobody"
    check = ask(client)
    assert client.get(f"/v1/providers/nobody/checks/{check['id']}").status_code == 404
    assert client.get(f"{URL}/{check['id'] + 1}").status_code == 404


def test_without_a_sender_the_answer_comes_at_once(client: FlaskClient, pool: Database) -> None:
    for known, detail in (
        ({}, "no sender is running; start campaign-sender"),
        ({"other": statistics()}, "none of the running senders (s-1) has provider simulated"),
    ):
        if known:
            beat(pool, "s-1", {"simulated": "not configured here"}, **known)
        answer = client.post(URL, json={"phone": PHONE})
        assert answer.status_code == 409
        assert answer.json is not None
        assert answer.json["type"].endswith(":no-sender")
        assert answer.json["detail"].startswith(detail)
    assert value(pool, "SELECT COUNT(*) FROM provider_checks") == 0


def test_senders_of_an_older_version_are_named(client: FlaskClient, pool: Database) -> None:
    change(pool, "INSERT INTO sender_heartbeats (name, seen_at) VALUES ('old-1', NOW(6))")
    answer = client.post(URL, json={"phone": PHONE})
    assert answer.status_code == 409
    assert "(old-1) are of an older version" in answer.json["detail"]  # type: ignore[index]


def test_a_check_that_nothing_takes_expires(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    check = ask(client)
    change(pool, "UPDATE provider_checks SET requested_at = NOW(6) - INTERVAL 11 SECOND")
    expired = read(client, check)
    assert expired["state"] == "expired"
    assert "no sender took the check within 10 s, and none will: sender-1" in expired["problem"]
    change(pool, "DELETE FROM sender_heartbeats")
    assert read(client, check)["problem"].startswith("no sender is running")
    assert take(pool) is None


def test_a_lost_sender_leaves_the_result_unknown(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    check = ask(client)
    assert take(pool) is not None
    assert read(client, check)["state"] == "running"
    change(pool, "UPDATE provider_checks SET ends_by = NOW(6) - INTERVAL 1 SECOND")
    lost = read(client, check)
    assert lost["state"] == "unknown"
    assert "sender-1 took the check and has not reported; the message may" in lost["problem"]


def test_what_a_sender_refuses_is_said(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    check = ask(client)
    end(pool, CheckResult("secret token, /run/secrets/t: No such file or directory"))
    refused = read(client, check)
    assert (refused["state"], refused["request"]) == ("refused", None)
    assert refused["problem"] == "secret token, /run/secrets/t: No such file or directory"


def test_only_an_admin_key_checks_and_reads(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    admin, write, read_ = (
        bearer(make_key(pool, scope)) for scope in (Scope.ADMIN, Scope.WRITE, Scope.READ)
    )
    check = client.post(URL, json={"dry_run": True}, headers=admin).json
    assert check is not None
    path = f"{URL}/{check['id']}"
    for headers, status in ((write, 403), (read_, 403), ({}, 401)):
        assert client.post(URL, json={"dry_run": True}, headers=headers).status_code == status
        assert client.get(path, headers=headers).status_code == status
    assert client.get(path, headers=admin).status_code == 200


def test_a_repeated_request_is_one_check(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    headers = {"Idempotency-Key": "once"}
    first = client.post(URL, json={"phone": PHONE}, headers=headers)
    end(pool, done(REPORT))
    again = client.post(URL, json={"phone": PHONE}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json["id"] == first.json["id"]  # type: ignore[index]
    assert again.json["state"] == "done"  # type: ignore[index]
    assert value(pool, "SELECT COUNT(*) FROM provider_checks") == 1
    assert "12345678" not in str(rows(pool, "SELECT effect, body FROM idempotency_keys"))


def test_a_key_has_its_share_with_test_messages(settings: Settings, pool: Database) -> None:
    limited = replace(settings, api=ApiSettings(test_messages_per_minute=2))
    client = create_app(limited, Databases((pool,))).test_client()
    beat(pool)
    key, other = (bearer(make_key(pool, Scope.ADMIN)) for _ in range(2))
    statuses = [
        client.post(URL, json={"dry_run": True}, headers=headers).status_code
        for headers in (key, key, key, other)
    ]
    assert statuses == [202, 202, 429, 202]
    test = client.post("/v1/campaigns/9/test", json={"phone": PHONE}, headers=key)
    assert test.status_code == 429


def test_an_erased_person_is_not_sent_a_check(client: FlaskClient, pool: Database) -> None:
    beat(pool)
    check = ask(client)
    assert client.delete("/v1/recipients/4917612345678").status_code == 202
    assert take(pool) is None
    assert client.get(f"{URL}/{check['id']}").status_code == 404
