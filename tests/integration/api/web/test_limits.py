"""Configured limits, each met by as much as is allowed and by one more.

Those that need a real connection, or several requests, are tested where these are: bytes and rows
of an upload and imports at a time in e2e/test_uploads.py, header lines in e2e/test_connections.py,
requests of a key in test_rate_limit.py, templates in test_campaigns.py, pages in
test_parameters.py.
"""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.web.http.problems import LARGEST_PROBLEM
from campaign_common.database import Database, Databases
from campaign_common.settings import ApiSettings, ImportSettings, Settings
from tests.integration.api.stored import REQUEST, add_list, value

LISTS = "/v1/recipient-lists?name=people"
NEW = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}
BODY = 400
COLUMNS = 3
FIELD = 16
LINE = 256
GOOD = "13961467500"


@pytest.fixture
def client(settings: Settings, pool: Database) -> FlaskClient:
    limits = replace(
        settings,
        api=ApiSettings(max_body_bytes=BODY),
        import_=ImportSettings(max_columns=COLUMNS, max_field_length=FIELD, max_line_bytes=LINE),
    )
    add_list(pool, [(GOOD, "Ann", {})])
    return create_app(limits, Databases((pool,))).test_client()


@pytest.mark.parametrize(
    ("path", "fields", "within"),
    [("/v1/campaigns", NEW, 201), ("/v1/camp/create", REQUEST, 400)],  # there is no such file
)
def test_one_byte_more_than_a_body_may_have_is_refused(
    client: FlaskClient, path: str, fields: dict[str, Any], within: int
) -> None:
    text = json.dumps(dict(fields))
    for length, status in ((BODY, within), (BODY + 1, 413)):
        body = text.ljust(length)
        answer = client.post(path, data=body, content_type="application/json")
        assert answer.status_code == status, answer.text
    assert (answer.json or {}).get("code") == (-1 if path == "/v1/camp/create" else None)


def upload(client: FlaskClient, text: str) -> tuple[int, dict[str, Any]]:
    answer = client.post(LISTS, data=text, content_type="text/csv")
    assert isinstance(answer.json, dict)
    return answer.status_code, answer.json


def test_one_column_more_than_a_list_may_have_is_refused(client: FlaskClient) -> None:
    assert upload(client, f"phone,name,a\n{GOOD},Ann,x\n")[0] == 201
    status, problem = upload(client, f"phone,name,a,b\n{GOOD},Ann,x,y\n")
    assert (status, problem["type"]) == (422, "urn:camp-mgr:problem:invalid-recipient-list")
    assert "at most 3" in problem["detail"]


@pytest.mark.parametrize(
    ("row", "longest", "reason"),
    [
        ("{},13961467501", FIELD, "note is longer than 16 characters"),
        ("{}", LINE, "line is longer than 256 bytes"),
    ],
)
def test_one_character_more_than_fits_is_a_recorded_reject(
    client: FlaskClient, row: str, longest: int, reason: str
) -> None:
    for length in (longest, longest + 1):
        text = f"note,phone\nok,{GOOD}\n" + row.format("x" * length) + "\n"
        status, made = upload(client, text)
        assert status == 201
        rejects = client.get(f"/v1/recipient-lists/{made['id']}/rejects.csv").text
        assert (reason in rejects) == (length > longest), rejects


def test_a_refusal_that_is_kept_for_its_repetitions_is_short(
    settings: Settings, pool: Database
) -> None:
    """22,000 unknown fields in 190 kB once made an answer of 2 MB, kept for a day."""
    client = create_app(settings, Databases((pool,))).test_client()
    fields = json.dumps({str(number): 1 for number in range(22_000)}, separators=(",", ":"))
    answer = client.post(
        "/v1/campaigns",
        data=fields,
        content_type="application/json",
        headers={"Idempotency-Key": "large"},
    )
    assert answer.status_code == 422
    assert len(answer.data) <= LARGEST_PROBLEM
    stored = value(pool, "SELECT MAX(LENGTH(body)) FROM idempotency_keys")
    assert 0 < stored <= LARGEST_PROBLEM
