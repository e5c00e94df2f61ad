import hashlib
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.store.recipients.recipient_lists import ListState
from campaign_common.store.recipients.recipients import read_chunk, read_recipients
from tests.integration.api.stored import create, list_of, rows, value

CAMPAIGN = 1000000000


@pytest.fixture
def file(csv_root: Path) -> Path:
    return csv_root / "recipients.csv"


def test_original_file_is_stored_row_by_row(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    file.write_text("".join(f"user{n},{13961467500 + n}\n" for n in range(2500)))
    assert create(client).json == {"code": 0, "msg": "success"}

    stored = list_of(pool, CAMPAIGN)
    assert stored.state is ListState.READY
    assert stored.totals == (2500, 0, 0)
    assert stored.last_seq == 2500
    assert stored.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    with pool.reading() as cursor:
        chunk = read_chunk(cursor, stored.id, after_seq=999, last_seq=1002, limit=10)
        assert [(row.seq, row.name, row.phone, row.attributes) for row in chunk] == [
            (seq, f"user{seq - 1}", str(13961467499 + seq), None) for seq in (1000, 1001, 1002)
        ]
        assert set(read_recipients(cursor, stored.id, [1, 2500, 2501])) == {1, 2500}


def test_every_row_is_accepted_a_duplicate_or_a_reject(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    """Every data row is accepted a duplicate or a stored reject."""
    lines = [
        f"user{n},{13961467500 + n % 700},Oslo" if n % 10 else f"user{n},none,Oslo"
        for n in range(1000)
    ]
    file.write_text("\n".join(["Name,Phone,City", *lines]))
    assert create(client).status_code == 200

    stored = list_of(pool, CAMPAIGN)
    phones = {13961467500 + n % 700 for n in range(1000) if n % 10}
    assert stored.totals == (len(phones), 900 - len(phones), 100)
    assert stored.attribute_columns == ("city",)
    rejected = rows(pool, "SELECT line, reason, raw_text FROM recipient_rejects ORDER BY line")
    assert [line for line, _, _ in rejected] == list(range(2, 1002, 10))
    assert rejected[0][1:] == ("phone has letters", "user0,none,Oslo")


def test_first_of_two_rows_with_one_phone_is_kept(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    file.write_text("first,+1 396 146 7500\nsecond,13961467500\nthird,1-396-146-7501\n")
    create(client)
    stored = list_of(pool, CAMPAIGN)
    assert stored.totals == (2, 1, 0)
    kept = rows(pool, "SELECT seq, name FROM recipients WHERE list_id = %s", stored.id)
    assert kept == [(1, "first"), (3, "third")]


def test_any_text_arrives_as_it_was(client: FlaskClient, pool: Database, file: Path) -> None:
    texts = [
        "O'Neil",
        "back\\slash\\",
        "%s 100%",
        "😀 Ünïcödé",
        "'); DROP TABLE recipients; --",
        "",
    ]
    lines = [f"{text},{13961467500 + n},{text}" for n, text in enumerate(texts)]
    lines.append('"say ""hi"", Bob",13961467599,"two\nlines"')
    file.write_text("\n".join(["name,phone,note", *lines]), encoding="utf-8")
    assert create(client).status_code == 200
    stored = rows(pool, "SELECT name, attributes FROM recipients ORDER BY seq")
    expected = [(text, text) for text in texts] + [('say "hi", Bob', "two\nlines")]
    assert [(name, json.loads(attributes)["note"]) for name, attributes in stored] == expected


def test_bad_rows_are_rejected_and_the_others_kept(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    good = [f"user{n},{13961467500 + n}".encode() for n in range(300)]
    bad = [b"b\xff,13961467500", b'"lone,13961467500', b"x" * 70_000, b"a,b,c"]
    mixed = [line for n, row in enumerate(good) for line in (row, bad[n % 4] if n < 4 else b"")]
    file.write_bytes(b"\n".join(mixed))
    create(client)
    assert list_of(pool, CAMPAIGN).totals == (300, 0, 4)
    reasons = [reason for (reason,) in rows(pool, "SELECT reason FROM recipient_rejects")]
    assert reasons == [
        "line is not valid UTF-8",
        "a quote is not closed",
        "line is longer than 65536 bytes",
        "3 columns where 2 are expected (name, phone)",
    ]


def test_huge_line_is_one_reject(client: FlaskClient, pool: Database, file: Path) -> None:
    with file.open("wb") as out:
        out.write(b"a,13961467500\n")
        out.writelines(b"x" * 1_000_000 for _ in range(50))
        out.write(b"\nb,13961467501\n")
    create(client)
    assert list_of(pool, CAMPAIGN).totals == (2, 0, 1)
    assert value(pool, "SELECT LENGTH(raw_text) FROM recipient_rejects") == 2000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"name,phone\n", "no data row"),
        (b"a,13961467500\n" * 50_000 + b"b\0,13961467501\n", "NUL bytes"),
        (b"name,email\na,b\n", "missing column phone"),
        (b"a,b\nc,d\n", "missing column phone: the header names a, b;"),
        (b"name,phone\nc,1\n", "none of the 1 data rows was accepted: line 2: phone is not"),
        (b"mobile,id\n13961467500,10045678\n", "missing column phone: the header names mobile"),
        (b"x" * 100_000, "line is longer than 65536 bytes"),
        ("name,phone\nAnn,13961467500".encode("utf-16"), "UTF-16"),
    ],
)
def test_file_that_is_no_list_is_refused_and_leaves_nothing(
    client: FlaskClient, pool: Database, file: Path, content: bytes, said: str
) -> None:
    file.write_bytes(content)
    answer = create(client)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == -1
    assert "csv_file_path 'recipients.csv': " in answer.json["msg"]
    assert said in answer.json["msg"]
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 0
    assert rows(pool, "SELECT 1 FROM recipient_lists WHERE state <> 'discarded'") == []


def test_unknown_placeholder_is_refused_before_any_row_is_stored(
    client: FlaskClient, pool: Database, file: Path
) -> None:
    file.write_text("name,phone,city\nAnn,13961467500,Oslo\n")
    answer = create(client, message_template="hi {nome} in {city}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert "{nome}; the columns are name, phone, city" in answer.json["msg"]
    assert value(pool, "SELECT COUNT(*) FROM recipient_lists") == 0
