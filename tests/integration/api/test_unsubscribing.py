"""The page behind the link in a message: GET shows it, POST unsubscribes the recipient."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_api.campaigns.trial_messages import store_trial_message
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy
from campaign_common.errors import DatabaseUnavailable
from campaign_common.settings import (
    CallbacksSettings,
    ReferenceSecretSettings,
    Settings,
    UnsubscribeScope,
    UnsubscribeSettings,
)
from campaign_common.settings.sections.people.unsubscribe import UnsubscribeTexts
from campaign_common.store.inbound.inbound_messages import insert_inbound
from campaign_common.store.inbound.keyword_effects import act_on_keywords
from campaign_common.store.suppressions.lookup import look_up_suppressed
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from tests.integration.api.drafted import PATH, body, problem
from tests.integration.api.stored import REQUEST, add_list, change, rows, value
from tests.support.keys import make_key
from tests.support.servers.databases import ONE_FLAVOUR

BASE = "https://c.example"
CALLBACKS = CallbacksSettings(
    base_url=BASE, secrets=(ReferenceSecretSettings(value="a secret of references"),)
)
LINKS = UnsubscribeLinks(CALLBACKS)
ANN, BOB = "4917612345678", "4917612345679"
TEMPLATE = "hi {name}, stop: {unsubscribe_url}"
pytestmark = ONE_FLAVOUR

NEW = {"name": "spring", "recipient_list_id": 1, "template": TEMPLATE}


@pytest.fixture
def linked(settings: Settings) -> Settings:
    return replace(settings, callbacks=CALLBACKS)


def client_of(settings: Settings, pool: Database) -> FlaskClient:
    return create_app(settings, Databases((pool,))).test_client()


@pytest.fixture
def client(linked: Settings, pool: Database) -> FlaskClient:
    return client_of(linked, pool)


@pytest.fixture
def campaign(client: FlaskClient, pool: Database) -> int:
    """A campaign about a topic, for Ann and Bob."""
    add_list(pool, [(ANN, "Ann", {}), (BOB, "Bob", {})])
    return int(body(client.post(PATH, json={**NEW, "topic": "offers"}))["id"])


def path_of(campaign_id: int, seq: int = 1) -> str:
    return LINKS.of_campaign("", campaign_id)(seq)


def said(keyword: str, id_: str = "1") -> InboundMessage:
    """Return a message of Ann whose text is a keyword."""
    return InboundMessage(
        provider="one",
        provider_message_id=id_,
        phone=ANN,
        recipient=BOB,
        text=keyword,
        reported_at=None,
        received_at=datetime(2026, 1, 2, 12),  # noqa: DTZ001 - UTC, naive
        keyword=KeywordKind(keyword),
    )


def stored(pool: Database) -> list[tuple[Any, ...]]:
    return rows(pool, "SELECT phone, scope, reason, source, until FROM suppressions ORDER BY phone")


def changes(pool: Database) -> list[tuple[Any, ...]]:
    return rows(pool, "SELECT phone, scope, is_added, actor FROM suppression_changes ORDER BY id")


def test_get_shows_a_button_and_post_unsubscribes(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    """The next campaign leaves the person out; the other recipients are as before."""
    path = path_of(campaign)
    for method in ("GET", "HEAD"):
        page = client.open(path, method=method)
        assert (page.status_code, stored(pool)) == (200, [])
    assert '<form method="post">' in client.get(path).text
    for _ in range(3):
        done = client.post(path)
        assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)
    assert stored(pool) == [(ANN, "*", "unsubscribed", "unsubscribe", None)]
    assert changes(pool) == [(ANN, "*", 1, "recipient")] * 3
    with pool.reading() as cursor:
        assert look_up_suppressed(cursor, [ANN, BOB]) == {ANN: ["*"]}
    following = int(body(client.post(PATH, json=NEW))["id"])
    left_out = body(client.post(f"{PATH}/{following}/dry-run"))["suppressed"]
    assert left_out == {
        "recipients": 1,
        "erased": 0,
        "by_reason": [{"scope": "*", "reason": "unsubscribed", "recipients": 1}],
    }


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"data": {"List-Unsubscribe": "One-Click"}}, id="one click"),
        pytest.param(
            {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
            id="one click in parts",
        ),
        pytest.param({"data": b"\xff", "content_type": "text/odd"}, id="anything"),
        pytest.param({"query_string": {"utm_source": "sms"}}, id="query"),
    ],
)
def test_any_body_unsubscribes(
    client: FlaskClient, pool: Database, campaign: int, sent: Mapping[str, Any]
) -> None:
    assert client.post(path_of(campaign, 2), **sent).status_code == 200
    assert [row[0] for row in stored(pool)] == [BOB]


def test_a_person_without_a_key_gets_the_page(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    make_key(pool, Scope.ADMIN)
    strange = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get(PATH, environ_base=strange).status_code == 401
    assert client.get(path_of(campaign), environ_base=strange).status_code == 200
    assert client.post(path_of(campaign), environ_base=strange).status_code == 200
    assert len(stored(pool)) == 1


@pytest.mark.parametrize(
    ("scope", "topic", "expected"),
    [
        pytest.param(UnsubscribeScope.EVERYTHING, "offers", "*", id="everything"),
        pytest.param(UnsubscribeScope.TOPIC, "offers", "topic:offers", id="topic"),
        pytest.param(UnsubscribeScope.TOPIC, None, "*", id="no topic"),
    ],
)
def test_the_scope_is_configured(
    linked: Settings,
    pool: Database,
    campaign: int,
    scope: UnsubscribeScope,
    topic: str | None,
    expected: str,
) -> None:
    change(pool, "UPDATE campaigns SET topic = %s", topic)
    client = client_of(replace(linked, unsubscribe=UnsubscribeSettings(scope=scope)), pool)
    assert client.post(path_of(campaign)).status_code == 200
    assert [row[1] for row in stored(pool)] == [expected]


def test_a_suppression_with_an_end_gets_none(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    """Its reason and its source stay."""
    until = "2036-01-01T00:00:00Z"
    client.post("/v1/suppressions", json={"phone": ANN, "reason": "letter", "until": until})
    assert client.post(path_of(campaign)).status_code == 200
    assert stored(pool) == [(ANN, "*", "letter", "api", None)]
    assert [row[3] for row in changes(pool)] == ["api", "recipient"]


def test_a_link_tells_senders_what_an_import_has_stored(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    """The import makes no change before its end, which comes later than the promised 2 s."""
    row = "INSERT INTO suppressions (phone, scope, reason, source, since) VALUES (%s, '*', %s, %s,"
    change(pool, f"{row} NOW(6))", ANN, "import", "import")
    assert client.post(path_of(campaign)).status_code == 200
    assert stored(pool) == [(ANN, "*", "import", "import", None)]
    assert changes(pool) == [(ANN, "*", 1, "recipient")]


def test_a_late_start_does_not_lift_what_a_link_has_confirmed(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    """The gateway delivers a START that was said before the person followed the link."""
    pool.run(lambda c: act_on_keywords(c, insert_inbound(c, [said("stop")]), KeywordPolicy()))
    assert client.post(path_of(campaign)).status_code == 200
    late = said("start", "2")
    effects = pool.run(lambda c: act_on_keywords(c, insert_inbound(c, [late]), KeywordPolicy()))
    assert effects.lifted == 0
    with pool.reading() as cursor:
        assert look_up_suppressed(cursor, [ANN]) == {ANN: ["*"]}


def make_unknown(pool: Database, way: str) -> None:
    change(
        pool,
        {
            "purged": "DELETE FROM campaigns",
            "list deleted": "DELETE FROM recipients",
            "erased": "UPDATE recipients SET phone = CONCAT('x', seq), erased_shard = 0",
        }[way],
    )


@pytest.mark.parametrize("way", ["purged", "list deleted", "erased"])
def test_a_link_of_what_is_gone_says_so(
    client: FlaskClient, pool: Database, campaign: int, way: str
) -> None:
    make_unknown(pool, way)
    for answer in (client.get(path_of(campaign)), client.post(path_of(campaign))):
        assert (answer.status_code, "too old" in answer.text) == (410, True)
        assert "<form" not in answer.text
    assert stored(pool) == []


def forged(path: str) -> Iterator[str]:
    """The link with every one of its characters changed, and some that are no links."""
    start = len("/u/")
    for place in range(start, len(path)):
        yield path[:place] + ("A" if path[place] != "A" else "B") + path[place + 1 :]
    yield from ("/u/x", path[:-1], path + "A", "/u/" + "A" * 27, "/u/%00%ff", "/u/" + "A" * 5_000)


def test_a_forged_link_changes_nothing(client: FlaskClient, pool: Database, campaign: int) -> None:
    for path in forged(path_of(campaign)):
        for answer in (client.get(path), client.post(path)):
            assert (answer.status_code, "not complete" in answer.text) == (404, True), path
    assert stored(pool) == []


def test_signs_behind_a_link_are_none_of_it(
    client: FlaskClient, pool: Database, campaign: int
) -> None:
    """Programs that look for links in texts take some for a part of them."""
    assert client.post(path_of(campaign) + ".)").status_code == 200
    assert len(stored(pool)) == 1


def test_the_page_is_safe_and_loads_nothing(client: FlaskClient, campaign: int) -> None:
    page = client.get(path_of(campaign))
    headers = page.headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'self'")
    assert "unsafe" not in policy
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert not re.search(r"<script|src=|href=|url\(|@import|https?:", page.text)
    assert ANN not in page.text
    assert ANN[-4:] not in page.text
    assert client.get("/u/x").headers["Content-Security-Policy"] == policy


@pytest.mark.parametrize(
    ("accepted", "language", "button"),
    [
        (None, "en", "Unsubscribe"),
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Abmelden"),
        ("fr-CA,fr;q=0.9", "fr", "fr button"),
        ("tlh", "en", "Unsubscribe"),
        ("en-GB", "en", "Unsubscribe"),
    ],
    ids=["none", "German", "French", "unknown", "British"],
)
def test_the_page_is_in_the_language_of_the_browser(
    linked: Settings,
    pool: Database,
    campaign: int,
    accepted: str | None,
    language: str,
    button: str,
) -> None:
    texts = dict.fromkeys(("title", "question", "done", "test", "unknown", "gone", "later"), "fr")
    french = UnsubscribeTexts(button="fr button", **texts)
    own = UnsubscribeSettings(sender="Müller & <Söhne>", texts={"fr": french})
    client = client_of(replace(linked, unsubscribe=own), pool)
    headers = {} if accepted is None else {"Accept-Language": accepted}
    page = client.get(path_of(campaign), headers=headers)
    assert f'<html lang="{language}"' in page.text
    assert f'<button type="submit">{button}</button>' in page.text
    assert "<p>Müller &amp; &lt;Söhne&gt;</p>" in page.text
    assert page.headers["Content-Language"] == language


def test_no_log_has_the_reference(client: FlaskClient, campaign: int) -> None:
    path = path_of(campaign)
    with capture_logs() as entries:
        client.get(path)
        client.post(path)
        client.get(path[:-1])
    assert {entry["route"] for entry in entries if "route" in entry} == {"/u/<reference>"}
    assert path.removeprefix("/u/")[:-1] not in repr(entries)
    assert ANN not in repr(entries)


def test_while_the_database_is_away_it_says_so(
    client: FlaskClient, pool: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button is there; what it would do is not."""

    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(pool, "reading", away)
    monkeypatch.setattr(pool, "run", away)
    assert '<form method="post">' in client.get(path_of(campaign)).text
    answer = client.post(path_of(campaign))
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "try again" in answer.text


def refused(answer: TestResponse) -> tuple[int, str]:
    status, kind, _ = problem(answer)
    return status, kind


def test_without_a_url_the_placeholder_is_refused(
    settings: Settings, linked: Settings, pool: Database, campaign: int
) -> None:
    """When a campaign is made or changed, by either way, in a dry run and for a test message."""
    without = client_of(settings, pool)
    assert refused(without.post(PATH, json=NEW)) == (422, "invalid-template")
    plain = int(body(without.post(PATH, json={**NEW, "template": "hi"}))["id"])
    answer = without.patch(f"{PATH}/{plain}", json={"template": TEMPLATE})
    assert "Callbacks.BaseUrl" in answer.text
    (settings.csv_root / "recipients.csv").write_text(f"name,phone\nAnn,{ANN}\n")
    original = {**REQUEST, "message_template": TEMPLATE}
    answer = without.post("/v1/camp/create", json=original)
    assert (answer.status_code, "Callbacks.BaseUrl" in answer.text) == (400, True)
    for verb, sent in (("dry-run", {}), ("test", {"phone": ANN, "attributes": {"name": "Ann"}})):
        answer = without.post(f"{PATH}/{campaign}/{verb}", json=sent)
        assert refused(answer) == (422, "invalid-template"), verb
    with_links = client_of(linked, pool)
    assert with_links.post("/v1/camp/create", json=original).json == {"code": 0, "msg": "success"}


def test_a_preview_and_a_dry_run_count_the_length_of_the_link(
    client: FlaskClient, campaign: int
) -> None:
    """The text of a preview has no link that works: whoever reads it could use that."""
    text = f"hi Ann, stop: {LINKS.of_campaign(BASE, campaign)(1)}"
    (ann, _) = body(client.post(f"{PATH}/{campaign}/preview", json={"limit": 2}))["messages"]
    assert ann["characters"] == len(text)
    assert ann["body"].startswith(f"hi Ann, stop: {BASE}/u/A")
    assert client.get(ann["body"].rpartition(BASE)[2]).status_code == 404
    found = body(client.post(f"{PATH}/{campaign}/dry-run"))
    assert found["characters"]["longest"] == len(text)
    assert found["missing_values"] == [{"placeholder": "name", "messages": 0}]
    assert found["unsubscribe"] == {"link": True, "warning": None}


def test_the_link_of_a_test_message_unsubscribes_nobody(
    client: FlaskClient, linked: Settings, pool: Database, campaign: int
) -> None:
    store = partial(store_trial_message, settings=linked, campaign_id=campaign, phone=ANN)
    test_id = pool.run(partial(store, attributes={"name": "Ann"}, actor="api", links=LINKS))
    text = value(pool, "SELECT body FROM trial_messages WHERE id = %s", test_id)
    assert len(text) == len(f"hi Ann, stop: {LINKS.of_campaign(BASE, campaign)(1)}")
    path = text.rpartition(BASE)[2]
    assert '<form method="post">' in client.get(path).text
    answer = client.post(path)
    assert (answer.status_code, "test message" in answer.text) == (200, True)
    assert stored(pool) == []


def test_a_change_keeps_or_drops_the_links(
    client: FlaskClient, linked: Settings, pool: Database, campaign: int
) -> None:
    """The URL is that of the time when the content was written."""
    column = "SELECT content LIKE %s FROM campaigns WHERE id = %s"
    assert value(pool, column, f"%{BASE}%", campaign)
    moved = replace(linked, callbacks=replace(CALLBACKS, base_url="https://moved.example"))
    later = client_of(moved, pool)
    later.patch(f"{PATH}/{campaign}", json={"max_rate": 5})
    assert value(pool, column, "%moved.example%", campaign)
    client.patch(f"{PATH}/{campaign}", json={"template": "hi"})
    assert not value(pool, column, "%example%", campaign)


def test_a_column_of_that_name_goes_before_the_link(client: FlaskClient, pool: Database) -> None:
    own = "https://own.example/7"
    add_list(pool, [(ANN, "Ann", {"unsubscribe_url": own})], columns=["unsubscribe_url"])
    made = int(body(client.post(PATH, json=NEW))["id"])
    (shown,) = body(client.post(f"{PATH}/{made}/preview", json={"limit": 1}))["messages"]
    assert shown["body"] == f"hi Ann, stop: {own}"
    assert body(client.post(f"{PATH}/{made}/dry-run"))["unsubscribe"]["link"]


@pytest.mark.parametrize(
    ("originator", "warning"),
    [
        pytest.param("12345", None, id="short code"),
        pytest.param("+491701234567", None, id="number"),
        pytest.param("Shop", "come from Shop, which can receive no STOP", id="name"),
        pytest.param(None, "it is not known here which originator", id="unknown"),
    ],
)
def test_a_dry_run_warns_where_nobody_can_say_stop(
    client: FlaskClient, pool: Database, originator: str | None, warning: str | None
) -> None:
    add_list(pool, [(ANN, "Ann", {})])
    new = {**NEW, "template": "hi {name}", "from": originator}
    made = int(body(client.post(PATH, json=new))["id"])
    found = body(client.post(f"{PATH}/{made}/dry-run"))["unsubscribe"]
    assert not found["link"]
    assert (found["warning"] is None) if warning is None else (warning in found["warning"])
