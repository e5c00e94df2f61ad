from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.schema.migrate import migrate
from campaign_common.settings import Settings
from tests.integration.api.stored import REQUEST, change, create

CAMPAIGN = REQUEST["campaign_id"]


@pytest.fixture(autouse=True)
def file(csv_root: Path) -> Path:
    file = csv_root / "recipients.csv"
    file.write_text("Ann,13961467500\nBob,13961467501\nAnn,13961467500\nbad\n")
    return file


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and message; below /v1/camp/ in the original's form, elsewhere a problem document."""
    assert answer.json is not None
    if answer.request.path.startswith("/v1/camp/"):
        assert answer.json["code"] == -1
        assert answer.content_type == "application/json"
        return answer.status_code, answer.json["msg"]
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    assert answer.json["type"].startswith("urn:camp-mgr:problem:")
    return answer.status_code, answer.json["detail"]


def test_progress_of_a_campaign_is_read_from_its_counters(
    client: FlaskClient, pool: Database
) -> None:
    create(client)
    before = client.get(f"/v1/campaigns/{CAMPAIGN}").json
    assert before is not None
    assert (before["state"], before["total"], before["pending"]) == ("scheduled", 2, 2)
    assert before["list"] == {
        "id": before["list"]["id"],
        "accepted": 2,
        "duplicates": 1,
        "rejected": 1,
    }

    change(
        pool,
        "UPDATE campaigns SET state = 'running', total = 2, last_seq = 3,"
        " started_at = NOW(6) - INTERVAL 10 SECOND",
    )
    change(
        pool,
        "INSERT INTO campaign_counters (campaign_id, shard, status, n)"
        " VALUES (%s, 0, 1, 1), (%s, 1, 3, 1), (%s, 0, 3, 0)",
        *[CAMPAIGN] * 3,
    )
    change(
        pool,
        "INSERT INTO possibly_sent (campaign_id, seq, generation, try_number, shard, created_at)"
        " VALUES (%s, 1, 0, 1, 0, NOW(6)), (%s, 1, 0, 2, 0, NOW(6))",
        *[CAMPAIGN] * 2,  # two tries of one message
    )
    running = client.get(f"/v1/campaigns/{CAMPAIGN}").json
    assert running is not None
    assert (running["counts"]["sent"], running["counts"]["waiting"]) == (1, 1)
    assert (running["pending"], running["possibly_sent"]) == (1, 1)
    assert 0 < running["rate"] <= 0.1
    assert running["estimated_finish"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/campaigns/5", 404),
        ("GET", f"/v1/campaigns/{10**30}", 404),
        ("GET", "/v1/campaigns/x", 404),
        ("GET", "/v1/camp/nothing", 404),
        ("GET", "/v1/camp/create", 405),
        ("DELETE", "/v1/campaigns/5", 404),
        ("PUT", "/v1/campaigns/5", 405),
    ],
)
def test_requests_for_nothing_are_refused_in_json(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    assert refusal(client.open(path, method=method))[0] == status


def test_body_must_be_json_of_a_sensible_size(client: FlaskClient) -> None:
    assert refusal(client.post("/v1/camp/create", data="campaign_id=5"))[0] == 415
    assert refusal(client.post("/v1/camp/create", data="{", content_type="application/json"))[
        0
    ] == (400)
    assert refusal(create(client, message_template="x" * 300_000))[0] == 413
    assert refusal(create(client, csv_file_path="../secret.csv"))[0] == 400
    assert refusal(create(client, message_template="{"))[0] == 400


def test_unexpected_failure_tells_the_client_nothing(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(pool, "reading", broken)
    status, message = refusal(create(client))
    assert status == 500
    assert message.startswith("internal error")
    assert "secret" not in message


def test_absent_database_is_a_503_that_names_no_server(settings: Settings) -> None:
    absent = parse_dsn("root:secret@tcp(127.0.0.1:1)/camp")
    mysql = replace(settings.mysql, dsn=absent, tran_timeout=0.2)
    client = create_app(settings, Databases((Database(mysql),))).test_client()
    for answer in (create(client), client.get("/v1/campaigns/5")):
        status, message = refusal(answer)
        assert status == 503
        assert "127.0.0.1" not in message
        assert answer.headers["Retry-After"]
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (
        503,
        {"status": "not ready", "reason": "the database is unavailable"},
    )


def test_ready_only_with_a_current_schema(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    assert client.get("/readyz").status_code == 200
    change(pool, "DROP TABLE message_retries_1")
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert "campaign-db migrate" in ready.json["reason"]
    migrate(pool, settings.msg_table_sharding_size)
    assert client.get("/readyz").status_code == 200
