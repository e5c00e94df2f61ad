import hashlib
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from tests.integration.api.lists.uploads import CSV, URL, listed, upload
from tests.integration.api.stored import change, rows


def form(*parts: tuple[str, str | bytes], boundary: str = "b") -> dict[str, Any]:
    """A multipart request; each part is its headers and its content."""
    body = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n"
        % (
            boundary.encode(),
            head.encode(),
            content.encode() if isinstance(content, str) else content,
        )
        for head, content in parts
    )
    return {
        "data": body + f"--{boundary}--\r\n".encode(),
        "content_type": f"multipart/form-data; boundary={boundary}",
    }


FILE = 'Content-Disposition: form-data; name="file"; filename="../../etc/passwd"'
NAME = 'Content-Disposition: form-data; name="name"'


def test_plain_upload_becomes_a_ready_list(client: FlaskClient, pool: Database) -> None:
    answer = upload(client)
    assert answer.status_code == 201
    described = answer.get_json()
    assert described == {
        "id": described["id"],
        "name": "friends",
        "state": "ready",
        "rows": 4,
        "accepted": 2,
        "duplicates": 1,
        "rejected": 1,
        "header": "found",
        "columns": ["phone", "name", "city"],
        "sha256": hashlib.sha256(CSV.encode()).hexdigest(),
        "first_recipients": [
            {"seq": 1, "phone": "13961467500", "name": "Ann", "attributes": {"city": "Oslo"}},
            {"seq": 2, "phone": "13961467501", "name": "Bob", "attributes": {"city": "Bergen"}},
        ],
    }
    assert answer.headers["Location"] == f"{URL}/{described['id']}"
    assert client.get(answer.headers["Location"]).get_json() == described


@pytest.mark.parametrize("first", [FILE, NAME])
def test_form_upload_has_its_name_before_or_after_the_file(
    client: FlaskClient, pool: Database, first: str
) -> None:
    parts = [(NAME, "friends"), (FILE, CSV)]
    ordered = parts if first == NAME else parts[::-1]
    described = client.post(URL, **form(*ordered)).get_json()
    assert (described["name"], described["accepted"]) == ("friends", 2)
    assert described["sha256"] == hashlib.sha256(CSV.encode()).hexdigest()
    assert listed(pool) == [("friends", "ready")]


def test_form_may_have_its_name_in_the_query(client: FlaskClient, pool: Database) -> None:
    answer = client.post(URL, query_string={"name": "friends"}, **form((FILE, CSV)))
    assert answer.get_json()["name"] == "friends"


@pytest.mark.parametrize(
    ("parts", "status", "field"),
    [
        ([(FILE, CSV)], 422, "name"),
        ([(NAME, "friends")], 422, "file"),
        ([(FILE, CSV), (FILE, CSV), (NAME, "x")], 422, "file"),
        ([(NAME, "a"), (FILE, CSV), (NAME, "b")], 422, "name"),
        ([(NAME, "a"), (FILE, CSV), (NAME.replace('"name"', '"other"'), "b")], 422, "other"),
        ([(NAME, "n" * 256), (FILE, CSV)], 422, "name"),
        ([(NAME, b"\xff"), (FILE, CSV)], 422, "name"),
        ([(NAME, ""), (FILE, CSV)], 422, "name"),
        ([(FILE + "\r\nContent-Transfer-Encoding: base64", "YQ=="), (NAME, "x")], 400, None),
        ([(FILE + "\r\nContent-Type: multipart/mixed; boundary=c", CSV), (NAME, "x")], 400, None),
    ],
)
def test_form_that_is_not_as_it_should_be_leaves_no_list(
    client: FlaskClient,
    pool: Database,
    parts: list[tuple[str, str | bytes]],
    status: int,
    field: str | None,
) -> None:
    answer = client.post(URL, **form(*parts))
    assert answer.status_code == status, answer.get_json()
    assert [wrong["field"] for wrong in answer.get_json().get("errors", ())] == (
        [] if field is None else [field]
    )
    assert {state for _, state in listed(pool)} <= {"discarded"}


def test_form_without_its_end_leaves_no_list(client: FlaskClient, pool: Database) -> None:
    whole = form((NAME, "x"), (FILE, CSV * 9000))
    whole["data"] = whole["data"][:-8]
    answer = client.post(URL, **whole)
    assert answer.status_code == 400
    assert listed(pool) == [("x", "discarded")]


def test_format_can_be_said(client: FlaskClient, pool: Database) -> None:
    text = "Kunde;Mobil;Straße\nJürgen;0171 1234567;Königsallee\nUwe;+43 664 1234567;\n"
    answer = upload(
        client,
        text.encode("iso-8859-1"),
        delimiter=";",
        encoding="iso-8859-1",
        phone_column="mobil",
        name_column="KUNDE",
        default_region="DE",
    )
    assert answer.get_json()["columns"] == ["phone", "name", "strasse"]
    people = client.get(f"{answer.headers['Location']}/recipients").get_json()
    assert people == {
        "recipients": [
            {"seq": 1, "phone": "491711234567", "name": "Jürgen"}
            | {"attributes": {"strasse": "Königsallee"}},
            {"seq": 2, "phone": "436641234567", "name": "Uwe", "attributes": {"strasse": ""}},
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("text", "query", "header"),
    [
        ("Ann,13961467500\n", {}, "none"),
        ("name,phone\nAnn,13961467500\n", {}, "found"),
        ("name,mobile\nAnn,13961467500\n", {"phone_column": "mobile"}, "given"),
    ],
)
def test_a_list_says_where_its_columns_come_from(
    client: FlaskClient, pool: Database, text: str, query: dict[str, str], header: str
) -> None:
    """The answer, the list and the page of lists say how the first line was taken."""
    described = upload(client, text, **query).get_json()
    assert described["header"] == header
    (listed,) = client.get(URL).get_json()["recipient_lists"]
    assert listed == {name: described[name] for name in described if name != "first_recipients"}
    change(pool, "UPDATE recipient_lists SET header = NULL")  # as an earlier version left it
    assert client.get(f"{URL}/{described['id']}").get_json()["header"] is None


def test_at_most_three_people_are_shown_as_they_were_read(
    client: FlaskClient, pool: Database
) -> None:
    """The answer has the recipients as they were read, without blanks and punctuation."""
    rows = [f" User {n} ,+1 396 146 750{n},\u00a0Oslo\n" for n in range(5)]
    described = upload(client, "name,phone,city\n" + "".join(rows)).get_json()
    assert described["first_recipients"] == [
        {
            "seq": n + 1,
            "phone": f"1396146750{n}",
            "name": f"User {n}",
            "attributes": {"city": "Oslo"},
        }
        for n in range(3)
    ]


def test_list_without_names_says_so(client: FlaskClient, pool: Database) -> None:
    assert upload(client, "phone\n13961467500\n").get_json()["columns"] == ["phone"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"delimiter": "x"}, "delimiter"),
        ({"encoding": "rot13"}, "encoding"),
        ({"default_region": "XX"}, "default_region"),
        ({"phone_column": ""}, "phone_column"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_parameter_is_named(
    client: FlaskClient, pool: Database, query: dict[str, str], field: str
) -> None:
    answer = upload(client, **query)
    assert answer.status_code == 422
    assert [wrong["field"] for wrong in answer.get_json()["errors"]] == [field]


def test_a_file_without_a_type_of_its_own_is_read_as_csv(client: FlaskClient) -> None:
    """As clients send it that are generated from the document."""
    text = "name,phone\nAnn,13961467500\n"
    query = {"name": "x"}
    plain = "application/octet-stream"
    answer = client.post(URL, data=text, content_type=plain, query_string=query)
    assert answer.status_code == 201
    assert answer.get_json()["accepted"] == 1


def test_other_content_is_refused_unread(client: FlaskClient, pool: Database) -> None:
    query = {"name": "x"}
    assert client.post(URL, json={}, query_string=query).status_code == 415
    coded = client.post(
        URL,
        data=b"\x1f\x8b",
        content_type="text/csv",
        query_string=query,
        headers={"Content-Encoding": "gzip"},
    )
    assert coded.status_code == 415


def test_refused_file_leaves_no_list(client: FlaskClient, pool: Database) -> None:
    assert upload(client, "").status_code == 422
    assert upload(client, "name,phone\nx,y\n").status_code == 422
    assert listed(pool) == []


def test_same_content_under_a_key_is_imported_once(client: FlaskClient, pool: Database) -> None:
    key = {"Idempotency-Key": "monday"}
    query = {"name": "friends"}
    asked: dict[str, Any] = {"content_type": "text/csv", "query_string": query, "headers": key}
    first = client.post(URL, data=CSV, **asked)
    again = client.post(URL, data=CSV, **asked)
    assert first.status_code == again.status_code == 201
    assert first.get_json() == again.get_json()
    assert listed(pool) == [("friends", "ready")]
    assert client.post(URL, data=CSV + "C,13961467509,\n", **asked).status_code == 422


def test_erased_people_do_not_come_back_by_a_key(client: FlaskClient, pool: Database) -> None:
    """A repeated upload tells of the list as it is; no stored answer keeps who was erased."""
    asked: dict[str, Any] = {
        "content_type": "text/csv",
        "query_string": {"name": "friends"},
        "headers": {"Idempotency-Key": "wednesday"},
    }
    first = client.post(URL, data=CSV, **asked)
    assert [each["name"] for each in first.get_json()["first_recipients"]] == ["Ann", "Bob"]
    assert client.delete("/v1/recipients/+1 396 146 7500").status_code == 202
    again = client.post(URL, data=CSV, **asked)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.headers["Location"] == first.headers["Location"]
    assert [each["name"] for each in again.get_json()["first_recipients"]] == ["Bob"]
    assert again.get_json()["rows"] == first.get_json()["rows"]
    assert rows(pool, "SELECT body FROM idempotency_keys WHERE body LIKE '%%139614%%'") == []
    assert listed(pool) == [("friends", "ready")]


def test_repeated_upload_of_a_deleted_list_is_not_found(
    client: FlaskClient, pool: Database
) -> None:
    """The list that was made under the key is gone; the file is not imported a second time."""
    asked: dict[str, Any] = {
        "content_type": "text/csv",
        "query_string": {"name": "friends"},
        "headers": {"Idempotency-Key": "thursday"},
    }
    location = client.post(URL, data=CSV, **asked).headers["Location"]
    assert client.delete(location).status_code == 204
    for _ in range(2):
        assert client.post(URL, data=CSV, **asked).status_code == 404
    assert listed(pool) == [("friends", "deleted")]


def test_upload_that_was_refused_frees_its_key(client: FlaskClient, pool: Database) -> None:
    asked: dict[str, Any] = {
        "content_type": "text/csv",
        "query_string": {"name": "x"},
        "headers": {"Idempotency-Key": "tuesday"},
    }
    assert client.post(URL, data="", **asked).status_code == 422
    assert client.post(URL, data=CSV, **asked).status_code == 201
