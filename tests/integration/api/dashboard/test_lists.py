"""Pages of lists: an upload as a form without scripts, its rejects, its deletion."""

import re
import socket
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse

from campaign_api.web.http.client_presence import SOCKET
from campaign_api.web.routing.application import Application, BodyWanted
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from tests.integration.api.dashboard.visitor import HOSTILE, OWN, Visitor, csv_file, markup
from tests.integration.api.drafted import LATER
from tests.integration.api.lists.uploads import CSV, listed
from tests.integration.api.stored import value
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

QUOTED = '"' + HOSTILE.replace('"', '""') + '"'
HOSTILE_CSV = f"name,phone,{QUOTED}\n{QUOTED},13961467500,{QUOTED}\nBob,{QUOTED},1\n{HOSTILE}\n"


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


def action(visitor: Visitor) -> str:
    (path,) = re.findall(
        r'<form method="post" action="(/lists/upload[^"]*)"', visitor.open("/lists/upload").text
    )
    return str(path)


def send(
    visitor: Visitor,
    path: str,
    text: str | None = CSV,
    environ: dict[str, Any] | None = None,
    **fields: str,
) -> TestResponse:
    """Post the form, whose file comes last."""
    data: dict[str, Any] = {"name": "friends", "encoding": "utf-8", **fields}
    if text is not None:
        data["file"] = csv_file(text)
    return visitor.send_file(path, data, environ=environ)


def upload(visitor: Visitor, text: str = CSV, **fields: str) -> TestResponse:
    return send(visitor, action(visitor), text, **fields)


def test_a_form_becomes_a_list(visitor: Visitor, pool: Database) -> None:
    assert "There is no list yet." in visitor.open("/lists").text
    page = visitor.open(upload(visitor, delimiter=",", default_region="").location)
    assert listed(pool) == [("friends", "ready")]
    assert "4 rows: 2 accepted, 1 duplicates, 1 rejected" in page.text
    assert ">Oslo</td>" in page.text
    table = visitor.open("/lists").text
    numbers = re.findall(r'<td class="number">(?:<a [^>]+>)?(\d+)', table)
    assert numbers[:4] == ["4", "2", "1", "1"]


def test_a_form_that_is_sent_twice_is_one_list(visitor: Visitor, pool: Database) -> None:
    path = action(visitor)
    first, again = send(visitor, path), send(visitor, path)
    assert (first.status_code, first.location) == (again.status_code, again.location)
    assert listed(pool) == [("friends", "ready")]
    other = send(visitor, path, CSV + "Eve,13961467509,\n")
    assert other.status_code == 422
    assert "error-summary" in other.text
    assert listed(pool) == [("friends", "ready")]


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        (CSV, {"default_region": "zz"}, "default_region"),
        (CSV, {"phone_column": "mobile"}, "missing column mobile"),
        (CSV, {"name": ""}, "name: must have 1 to 255 characters"),
        (CSV, {"other": "x"}, "other: is not a field of this request"),
        (None, {}, "file: is missing"),
        ("", {}, "the file is empty"),
        ("x,y\n" * 3, {}, "missing column phone"),
    ],
    ids=["region", "column", "name", "unknown", "no file", "empty", "no phone"],
)
def test_a_refused_form_comes_back_filled_in(
    visitor: Visitor, pool: Database, text: str | None, fields: dict[str, str], said: str
) -> None:
    path = action(visitor)
    page = send(visitor, path, text, **{"name_column": HOSTILE[:64], **fields} if fields else {})
    assert page.status_code == 422
    assert said in page.text
    assert "error-summary" in page.text
    assert "<script>alert" not in page.text
    assert listed(pool) == []
    assert send(visitor, path).status_code == 303  # with the same key: nothing was done


def test_fields_after_the_file_are_refused(visitor: Visitor, pool: Database) -> None:
    data = {"name": "x", "file": csv_file(CSV), "delimiter": ";"}
    page = visitor.send_file(action(visitor), data)
    assert page.status_code == 422
    assert [state for _, state in listed(pool)] in ([], ["discarded"])


def test_what_was_typed_stays(visitor: Visitor) -> None:
    page = upload(visitor, name="<i>", name_column="vor", phone_column="tel", delimiter=";")
    assert page.status_code == 422
    assert 'value="&lt;i&gt;"' in page.text
    assert 'value="vor"' in page.text
    assert '<option value=";" selected>' in page.text


def test_an_upload_needs_its_key(visitor: Visitor, pool: Database) -> None:
    assert send(visitor, "/lists/upload").status_code == 422
    assert listed(pool) == []


def test_a_body_that_is_no_form_is_refused(visitor: Visitor, pool: Database) -> None:
    answer = visitor.client.post(action(visitor), data=CSV, content_type="text/csv", headers=OWN)
    assert (answer.status_code, answer.mimetype) == (415, "text/html")
    assert listed(pool) == []


def test_of_an_upload_that_was_cancelled_is_no_list(visitor: Visitor, pool: Database) -> None:
    browser, server = socket.socketpair()
    path = action(visitor)
    browser.close()
    with server:
        assert send(visitor, path, environ={SOCKET: server}).status_code == 400
    assert listed(pool) == []
    assert send(visitor, path).status_code == 303


def test_an_upload_is_read_as_it_arrives(visitor: Visitor) -> None:
    app = visitor.client.application
    assert isinstance(app, Application)
    cookie = visitor.client.get_cookie("camp-session")
    assert cookie is not None
    environ = EnvironBuilder(
        path="/lists/upload",
        method="POST",
        headers={**OWN, "Cookie": f"camp-session={cookie.value}"},
    ).get_environ()
    assert app.admit(environ) is BodyWanted.AS_IT_COMES
    app.dismiss(environ)


@pytest.mark.parametrize("site", ["cross-site", "none", "same-site"])
def test_a_form_of_another_site_is_refused(visitor: Visitor, pool: Database, site: str) -> None:
    data = {"name": "x", "file": csv_file(CSV)}
    headers = {"Sec-Fetch-Site": site}
    assert visitor.send_file(action(visitor), data, headers).status_code == 403
    assert listed(pool) == []


def test_a_session_opens_no_upload_of_the_api(visitor: Visitor, pool: Database) -> None:
    answer = visitor.client.post(
        "/v1/recipient-lists?name=x", data=CSV, content_type="text/csv", headers=OWN
    )
    assert answer.status_code == 401
    assert listed(pool) == []


def test_a_reader_is_offered_no_change(client: FlaskClient, pool: Database) -> None:
    admin, reader = Visitor(client), Visitor(client.application.test_client())
    admin.sign_in(make_key(pool, Scope.ADMIN))
    reader.sign_in(make_key(pool, Scope.READ))
    path = action(admin)
    place = send(admin, path).location
    for shown in ("/lists", place, f"{place}/rejects"):
        page = reader.open(shown)
        assert page.status_code == 200
        assert not re.search(r"/lists/upload|/delete", page.text)
    assert reader.open("/lists/upload").status_code == 403
    assert reader.open(f"{place}/delete").status_code == 403
    assert send(reader, f"{path}1").status_code == 403
    assert reader.send(f"{place}/delete", {"idempotency_key": "a"}).status_code == 403
    assert listed(pool) == [("friends", "ready")]


def test_consent_again_needs_an_admin(client: FlaskClient, pool: Database) -> None:
    writer, admin = Visitor(client), Visitor(client.application.test_client())
    writer.sign_in(make_key(pool, Scope.WRITE))
    admin.sign_in(make_key(pool, Scope.ADMIN))
    assert "reconsented" not in writer.open("/lists/upload").text
    assert upload(writer, reconsented="true").status_code == 403
    assert listed(pool) == []
    assert upload(admin, reconsented="true").status_code == 303
    assert value(pool, "SELECT COUNT(*) FROM reconsented_lists") == 1


@pytest.mark.parametrize("page", ["/lists", "{list}", "{list}/rejects", "{list}/delete"])
def test_hostile_rows_are_markup_nowhere(visitor: Visitor, page: str) -> None:
    place = upload(visitor, HOSTILE_CSV, name=HOSTILE).location
    shown = visitor.open(page.format(list=place))
    assert shown.status_code == 200
    assert "alert(1)" in shown.text
    assert markup(shown.text) == []


def test_rejects_have_line_reason_and_cell(visitor: Visitor) -> None:
    text = "name,phone\nAnn,13961467500\nBob,12ab\nEve,\nTom,13961467502,x,y\n"
    page = visitor.open(upload(visitor, text).location + "/rejects").text
    assert "3 of 4 rows were rejected" in page
    rows = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    ]
    assert [re.sub("<[^>]+>", "", "|".join(row)) for row in rows] == [
        "3|phone has letters|12ab|Bob,12ab",
        "4|phone is empty|empty|Eve,",
        "5|4 columns where 2 are expected (name, phone)|\u2013|Tom,13961467502,x,y",
    ]


def test_many_rejects_are_pages(visitor: Visitor) -> None:
    text = "name,phone\nAnn,13961467500\n" + "x,12\n" * 101
    place = upload(visitor, text).location
    first = visitor.open(f"{place}/rejects")
    (path,) = re.findall(r'href="([^"]+)" rel="next"', first.text)
    last = visitor.open(path)
    assert (first.text.count("<mark"), last.text.count("<mark")) == (100, 1)
    assert f'href="{place}/rejects" rel="first"' in last.text
    export = visitor.open(f"{place}/rejects.csv")
    assert export.text.count("\n") == 102
    assert export.headers["Cache-Control"] == "no-store"


def test_a_list_is_deleted_once(visitor: Visitor, pool: Database) -> None:
    place = upload(visitor).location
    question = visitor.open(f"{place}/delete")
    assert "2 recipients" in question.text
    assert visitor.press(question, "/delete").location == "/lists"
    assert visitor.press(question, "/delete").location == "/lists"
    assert listed(pool) == [("friends", "deleted")]
    assert visitor.open(place).status_code == 404


def test_a_list_that_is_needed_is_not_deleted(visitor: Visitor, pool: Database) -> None:
    place = upload(visitor).location
    wanted = {"name": "spring", "template": "hi", "recipient_list_id": int(place.split("/")[-1])}
    key = make_key(pool, Scope.WRITE)
    made = visitor.client.post(
        "/v1/campaigns", json={**wanted, "scheduled_at": LATER}, headers=bearer(key)
    )
    assert made.status_code == 201
    page = visitor.press(visitor.open(f"{place}/delete"), "/delete")
    assert page.status_code == 409
    assert "error-summary" in page.text
    assert listed(pool) == [("friends", "ready")]


def test_a_wrong_cursor_is_said(visitor: Visitor) -> None:
    place = upload(visitor).location
    for path in ("/lists", f"{place}/rejects"):
        page = visitor.open(f"{path}?cursor={HOSTILE}")
        assert page.status_code == 422
        assert "is not a cursor" in page.text
    assert visitor.open("/lists/99").status_code == 404
