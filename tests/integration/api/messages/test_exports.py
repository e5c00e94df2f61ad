"""Files with the messages of a campaign say the same, as CSV, JSON Lines and Parquet."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyarrow import parquet

from campaign_api.messages import campaign_messages
from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard, shard_of
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from tests.integration.api.conftest import SHARDS
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, phone_of, record
from tests.integration.api.stored import change

PATH = f"/v1/campaigns/{CAMPAIGN}/messages"
NAME = '=1+1, "Ann"\n'

Row = Mapping[str, Any]


def of_csv(body: bytes) -> list[Row]:
    """Read a CSV with the values that JSON has."""
    rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
    numbers = ("seq", "attempts")
    return [
        {column: int(text) if column in numbers else text or None for column, text in row.items()}
        for row in rows
    ]


def of_jsonl(body: bytes) -> list[Row]:
    return [json.loads(line) for line in body.decode().split("\n")[:-1]]


def of_parquet(body: bytes) -> list[Row]:
    rows: list[Row] = parquet.read_table(io.BytesIO(body)).to_pylist()
    return [{column: _as_text(value) for column, value in row.items()} for row in rows]


def _as_text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


READERS: Mapping[str, Callable[[bytes], list[Row]]] = {
    "csv": of_csv,
    "jsonl": of_jsonl,
    "parquet": of_parquet,
}


@pytest.fixture
def campaign(pool: Database) -> None:
    """A list of twenty, of whom some have an outcome, and one a receipt."""
    add_list(pool, range(2, 41, 2))
    add_campaign(pool)
    record(pool, {2: Status.SENT, 4: Status.FAILED, 6: Status.UNKNOWN}, error_code="http_503")
    shard = Shard(shard_of(phone_of(2), SHARDS))
    receipt = MessageReceipt(
        CampaignId(CAMPAIGN), 2, 0, shard, "simulated", ReceiptRank.DELIVERED, "0"
    )
    assert ReceiptWriter(Databases((pool,))).write([receipt]).stored == 1


def exported(client: FlaskClient, suffix: str, query: str = "") -> list[Row]:
    answer = client.get(f"{PATH}.{suffix}{query}")
    assert answer.status_code == 200, answer.text
    named = f"attachment; filename=campaign-{CAMPAIGN}-messages.{suffix}"
    assert answer.headers["Content-Disposition"] == named
    return READERS[suffix](answer.data)


@pytest.mark.parametrize("query", ["", "?status=failed", "?error_code=none"])
@pytest.mark.usefixtures("campaign")
def test_the_files_say_the_same(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(campaign_messages, "EXPORT_ROWS", 3)
    of_csv_file = exported(client, "csv", query)
    assert len(of_csv_file) == {"": 20, "?status=failed": 1, "?error_code=none": 0}[query]
    for suffix in ("jsonl", "parquet"):
        assert exported(client, suffix, query) == of_csv_file


@pytest.mark.usefixtures("campaign")
def test_only_the_csv_guards_against_formulas(client: FlaskClient, pool: Database) -> None:
    change(pool, "UPDATE recipients SET name = %s WHERE seq = 2", NAME)
    names = {suffix: exported(client, suffix)[0]["name"] for suffix in READERS}
    assert names == {"csv": f"'{NAME}", "jsonl": NAME, "parquet": NAME}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.usefixtures("campaign")
def test_a_file_that_cannot_be_finished_breaks_off(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(campaign_messages, "EXPORT_ROWS", 3)
    answer = client.get(f"{PATH}.{suffix}", buffered=False)
    pieces = iter(answer.response)
    next(pieces)

    def away(**_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(pool, "reading", away)
    with pytest.raises(DatabaseUnavailable):
        list(pieces)


@pytest.mark.usefixtures("campaign")
def test_without_pyarrow_parquet_is_refused(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = client.get(f"{PATH}.parquet")
    assert answer.status_code == 501
    assert answer.json is not None
    assert answer.json["type"].endswith(":parquet-missing")
    assert client.get(f"{PATH}.jsonl").status_code == 200


@pytest.mark.parametrize("suffix", READERS)
def test_files_of_no_campaign_are_not_found(client: FlaskClient, suffix: str) -> None:
    assert client.get(f"/v1/campaigns/99/messages.{suffix}").status_code == 404
    assert client.get(f"{PATH}.{suffix}?status=lost").status_code == 422
