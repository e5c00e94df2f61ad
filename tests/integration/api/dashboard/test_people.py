"""Screens about messages and people: the numbers of the API, and no number where it would stay."""

import re
from collections.abc import Iterator
from secrets import token_hex

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.message import Status
from campaign_common.store.inbound.inbound_writer import InboundWriter
from tests.integration.api.dashboard.visitor import HOSTILE, Visitor, csv_file, markup
from tests.integration.api.messages_seed import CAMPAIGN, add_campaign, add_list, phone_of, record
from tests.integration.api.stored import change, rows
from tests.support.inbound import inbound
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

PEOPLE = 120
FAILED_ONES = range(101, 111)
PHONE = phone_of(1)
MESSAGES = f"/campaigns/{CAMPAIGN}/messages"
ERRORS = f"/campaigns/{CAMPAIGN}/errors"
PERSON = f"/people/{PHONE}"


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


@pytest.fixture
def sent(pool: Database) -> Database:
    """A finished campaign: 10 messages have failed, by their code; the others were sent."""
    add_list(pool, range(1, PEOPLE + 1))
    add_campaign(pool, state="finished")
    failed = dict.fromkeys(FAILED_ONES, Status.FAILED)
    others = set(range(1, PEOPLE + 1)) - set(FAILED_ONES)
    record(pool, dict.fromkeys(others, Status.SENT))
    record(pool, failed, error_code="<b>21614</b>")
    return pool


def make_visitor(client: FlaskClient, pool: Database, scope: Scope) -> Visitor:
    visitor = Visitor(client)
    assert visitor.sign_in(make_key(pool, scope)).status_code == 303
    return visitor


def api(visitor: Visitor, pool: Database, path: str) -> TestResponse:
    return visitor.client.get(path, headers=bearer(make_key(pool, Scope.READ)))


def phones_of(page: TestResponse) -> list[str]:
    return re.findall(r'<td><a href="/people/(\d+)">', page.text.replace("\n", ""))


def all_phones(visitor: Visitor, path: str) -> Iterator[str]:
    """The people of all pages, by the links to the next ones."""
    following: str | None = path
    while following:
        page = visitor.open(following)
        assert page.status_code == 200
        yield from phones_of(page)
        found = re.search(r'href="([^"]+)" rel="next"', page.text)
        following = found[1].replace("&amp;", "&") if found else None


def suppress(visitor: Visitor, page: TestResponse, **fields: str) -> TestResponse:
    hidden = dict(re.findall(r'name="(idempotency_key)" value="([^"]+)">\s*<input', page.text))
    return visitor.send(PERSON, {"do": "suppress", "scope": "*", **hidden, **fields})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", range(1, PEOPLE + 1)),
        ("?status=failed", FAILED_ONES),
        ("?status=failed&error_code=%3Cb%3E21614%3C%2Fb%3E", FAILED_ONES),
        ("?error_code=other&receipt=", ()),
        ("?status=sent&receipt=delivered", ()),
    ],
)
def test_messages_are_those_of_the_filter_once(
    visitor: Visitor, sent: Database, query: str, expected: range
) -> None:
    assert sent
    assert list(all_phones(visitor, MESSAGES + query)) == [phone_of(seq) for seq in expected]


def test_numbers_of_the_campaign_lead_to_its_messages(visitor: Visitor, sent: Database) -> None:
    live = visitor.open(f"/campaigns/{CAMPAIGN}").text
    links = re.findall(rf'<a href="({MESSAGES}\?status=failed)">(\d+)</a>', live)
    assert links == [(f"{MESSAGES}?status=failed", "10")]
    counts = api(visitor, sent, f"/v1/campaigns/{CAMPAIGN}").json["counts"]  # type: ignore[index]
    assert re.findall(r"<dd>(\d+)</dd>", visitor.open(MESSAGES).text) == [
        str(n) for n in (PEOPLE, *counts.values(), 0)
    ]


def test_numbers_of_messages_add_up(visitor: Visitor, pool: Database) -> None:
    add_list(pool, range(1, 8))
    add_campaign(pool)
    record(pool, {1: Status.SENT, 2: Status.FAILED, 3: Status.WAITING})
    page = visitor.open(MESSAGES)
    total, *others = map(int, re.findall(r"<dd>(\d+)</dd>", page.text))
    assert (total, sum(others), others[-1]) == (7, 7, 4)
    waiting = visitor.open(f"{MESSAGES}?status=not_started")
    assert phones_of(waiting) == [phone_of(seq) for seq in range(4, 8)]


def test_an_unknown_filter_is_said_on_the_page(visitor: Visitor, sent: Database) -> None:
    assert sent
    page = visitor.open(f"{MESSAGES}?status=nothing")
    assert page.status_code == 422
    assert "error-summary" in page.text


def test_the_export_has_the_filter_of_the_page(visitor: Visitor, sent: Database) -> None:
    page = visitor.open(f"{MESSAGES}?status=failed")
    (path,) = re.findall(r'href="([^"]+\.csv[^"]*)"', page.text)
    exported = visitor.open(path)
    assert exported.data == api(visitor, sent, f"/v1{MESSAGES}.csv?status=failed").data
    assert exported.text.count("\r\n") == 1 + len(FAILED_ONES)


def test_an_error_code_can_be_retried(visitor: Visitor, sent: Database) -> None:
    page = visitor.open(ERRORS)
    assert "&lt;b&gt;21614&lt;/b&gt;" in page.text
    assert '<td class="number">10</td>' in page.text
    answer = visitor.press(page, "/errors/retry")
    assert answer.location == f"/campaigns/{CAMPAIGN}"
    assert visitor.press(page, "/errors/retry").status_code == 303
    assert len(rows(sent, "SELECT 1 FROM campaign_events")) == 1
    assert rows(sent, "SELECT state FROM campaigns") == [("running",)]


def test_a_person_is_found_without_a_query(visitor: Visitor, sent: Database) -> None:
    assert sent
    answer = visitor.send("/people", {"phone": f"+{PHONE[:3]} {PHONE[3:]}", "default_region": ""})
    assert (answer.status_code, answer.location) == (303, PERSON)
    page = visitor.open(PERSON)
    assert f"game{CAMPAIGN}" in page.text
    assert "tag-sent" in page.text
    refused = visitor.send("/people", {"phone": "12"})
    assert refused.status_code == 422
    assert 'value="12"' in refused.text


def test_without_a_session_no_query_has_the_number(client: FlaskClient, pool: Database) -> None:
    make_key(pool, Scope.READ)
    assert Visitor(client).open(PERSON).location == "/sign-in"


def test_suppress_and_lift_are_those_of_the_api(visitor: Visitor, sent: Database) -> None:
    page = visitor.open(PERSON)
    fields = {"reason": "letter", "until": "2090-01-02T03:04", "note": HOSTILE}
    first = suppress(visitor, page, **fields)
    assert (first.status_code, first.location) == (303, "?done=suppress")
    assert suppress(visitor, page, **fields).status_code == 303
    person = api(visitor, sent, f"/v1/suppressions/{PHONE}").json
    assert person is not None
    (one,) = person["suppressions"]
    assert (one["reason"], one["source"], one["note"]) == ("letter", "dashboard", HOSTILE)
    assert one["until"] == "2090-01-02T03:04:00.000Z"
    assert len(person["changes"]) == 1
    after = visitor.open(f"{PERSON}?done=suppress")
    assert "&lt;script&gt;alert(1)" in after.text
    assert markup(after.text) == []
    button = re.compile(r'<form method="post" action="/people/\d+" class.*?</form>', re.DOTALL)
    (lifting,) = button.findall(after.text)
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', lifting))
    assert visitor.send(PERSON, hidden).location == "?done=lift"
    assert visitor.send(PERSON, hidden).location == "?done=lift"
    person = api(visitor, sent, f"/v1/suppressions/{PHONE}").json
    assert person is not None
    assert (person["suppressions"], len(person["changes"])) == ([], 2)


@pytest.mark.parametrize(
    ("scope", "offered"),
    [
        (Scope.READ, set()),
        (Scope.WRITE, {"suppress"}),
        (Scope.ADMIN, {"suppress", "lift", "erase"}),
    ],
)
def test_a_scope_is_offered_what_it_may(
    client: FlaskClient, sent: Database, scope: Scope, offered: set[str]
) -> None:
    admin = make_visitor(client, sent, Scope.ADMIN)
    assert suppress(admin, admin.open(PERSON)).status_code == 303
    client.delete_cookie("camp-session")
    visitor = make_visitor(client, sent, scope)
    page = visitor.open(PERSON).text
    found = set(re.findall(r'name="do" value="(\w+)"', page))
    found |= {"erase"} if f"{PERSON}/erase" in page else set()
    assert found == offered
    lifting = {"idempotency_key": "a", "do": "lift", "scope": "*"}
    allowed = [
        suppress(visitor, visitor.open(PERSON), reason="again", idempotency_key="b").status_code,
        visitor.send(PERSON, lifting).status_code,
        visitor.send(f"{PERSON}/erase", {"idempotency_key": "c"}).status_code,
    ]
    assert [status == 303 for status in allowed] == [
        each in offered for each in ("suppress", "lift", "erase")
    ]
    assert {status for status in allowed if status != 303} <= {403}


def test_a_later_end_is_kept_from_a_writer(client: FlaskClient, sent: Database) -> None:
    writer = make_visitor(client, sent, Scope.WRITE)
    assert suppress(writer, writer.open(PERSON)).status_code == 303
    shorter = suppress(writer, writer.open(PERSON), until="2090-01-01T00:00")
    assert shorter.status_code == 403
    assert "error-summary" in shorter.text
    assert 'value="2090-01-01T00:00"' in shorter.text


def test_an_erased_person_is_nowhere_not_even_in_forms(visitor: Visitor, sent: Database) -> None:
    """The answers that are kept of forms have no number."""
    visitor.send("/people", {"phone": PHONE})
    suppress(visitor, visitor.open(PERSON))
    answer = visitor.press(visitor.open(f"{PERSON}/erase"), "/erase")
    assert answer.status_code == 303
    assert answer.location.startswith("/people?erasure=")
    assert PHONE not in answer.location
    assert "is stored" in visitor.open(answer.location).text
    assert rows(sent, "SELECT 1 FROM recipients WHERE phone = %s", PHONE) == []
    kept = rows(sent, "SELECT * FROM idempotency_keys")
    assert len(kept) >= 2
    assert PHONE not in str(kept)
    assert phones_of(visitor.open(MESSAGES))[0] == phone_of(2)


def test_inbound_is_newest_first_and_filtered(visitor: Visitor, pool: Database) -> None:
    InboundWriter(pool).write(
        [
            inbound("SM1", text=HOSTILE),
            inbound("SM2", text="STOP", keyword=KeywordKind.STOP),
            inbound("SM3", text="do not STOP", keyword=KeywordKind.STOP, is_unsure=True),
        ]
    )
    page = visitor.open("/inbound").text
    assert "&lt;script&gt;alert(1)" in page
    assert markup(page) == []
    text = re.compile(r'<td class="text">([^<]*)</td>')
    assert len(text.findall(page)) == 3
    filters = {
        "?keyword=stop": {"STOP", "do not STOP"},
        "?keyword=stop&unsure=true": {"do not STOP"},
        "?unsure=false&keyword=stop&since=2020-01-01T00:00": {"STOP"},
        "?since=2090-01-01T00:00": set(),
        "?provider=other": set(),
    }
    for query, expected in filters.items():
        assert set(text.findall(visitor.open(f"/inbound{query}").text)) == expected, query
    assert visitor.open("/inbound?provider=%20").status_code == 422


def test_suppressions_page_by_forms_and_lift(visitor: Visitor, pool: Database) -> None:
    change(
        pool,
        "INSERT INTO suppressions (phone, scope, reason, source, since)"
        " SELECT 13900000000 + seq, '*', 'request', 'api', NOW(6) FROM seq_1_to_120",
    )
    page = visitor.open("/suppressions")
    seen = phones_of(page)
    while 'name="cursor"' in page.text:
        (cursor,) = re.findall(r'name="cursor" value="([^"]+)"', page.text)
        page = visitor.send("/suppressions", {"cursor": cursor})
        assert page.status_code == 200
        seen += phones_of(page)
    assert seen == [phone_of(seq) for seq in range(1, 121)]
    assert visitor.press(page, "/lift").location == "/suppressions?done=lift"
    assert len(rows(pool, "SELECT 1 FROM suppressions")) == 119
    assert len(phones_of(visitor.open("/suppressions?reason=other"))) == 0
    exported = visitor.open("/suppressions.csv?reason=request")
    assert exported.data == api(visitor, pool, "/v1/suppressions.csv").data
    assert exported.text.count("\r\n") == 120


def test_one_is_added_by_its_form(visitor: Visitor, pool: Database) -> None:
    page = visitor.open("/suppressions/add")
    fields = {"phone": "0176 12345678", "default_region": "DE", "scope": "topic:offers"}
    assert visitor.press(page, "/add", **fields).location == "/suppressions?done=suppress"
    stored = rows(pool, "SELECT phone, scope, source FROM suppressions")
    assert stored == [("4917612345678", "topic:offers", "dashboard")]
    wrong = visitor.press(visitor.open("/suppressions/add"), "/add", **{**fields, "scope": HOSTILE})
    assert wrong.status_code == 422
    assert 'id="scope-message"' in wrong.text
    assert "<img" not in wrong.text


def test_a_file_is_imported_as_it_comes(visitor: Visitor, pool: Database) -> None:
    def send(content: str, **fields: str) -> TestResponse:
        data = {"scope": "*", "reason": "list", "default_region": "", **fields}
        path = f"/suppressions/import?idempotency_key={token_hex(8)}"
        return visitor.send_file(path, {**data, "file": csv_file(content)})

    answer = send("phone,scope\n0176 12345678,\n+4917612345679,topic:a\nx,\n", default_region="DE")
    assert answer.status_code == 200
    assert "2 rows accepted, 1 rejected" in answer.text
    assert rows(pool, "SELECT phone, scope, reason FROM suppressions ORDER BY phone") == [
        ("4917612345678", "*", "list"),
        ("4917612345679", "topic:a", "list"),
    ]
    refused = send("phone,city\n4917612345678,Ulm\n")
    assert refused.status_code == 422
    assert "there is no column city" in refused.text
    wrong = send("phone\n4917612345678\n", scope=HOSTILE)
    assert wrong.status_code == 422
    assert 'id="file-scope-message"' in wrong.text
    assert "<img" not in wrong.text


@pytest.mark.parametrize("path", ["/suppressions/add", "/suppressions/import"])
def test_a_reader_adds_no_suppression(client: FlaskClient, pool: Database, path: str) -> None:
    reader = make_visitor(client, pool, Scope.READ)
    assert "/suppressions/add" not in reader.open("/suppressions").text
    assert reader.send(path, {"idempotency_key": "a"}).status_code == 403


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/inbound", "No message has come in"),
        ("/suppressions", "There is no suppression."),
        (PERSON, "No campaign that has started has this person"),
    ],
)
def test_an_empty_page_says_so(visitor: Visitor, path: str, said: str) -> None:
    assert said in visitor.open(path).text


@pytest.mark.parametrize("path", ["/people/12", "/people/%3Cimg%3E", "/people/0/erase"])
def test_what_is_no_number_is_refused(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)
    assert page.status_code == 422
    assert "<img" not in page.text
