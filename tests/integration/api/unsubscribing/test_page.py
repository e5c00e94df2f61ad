"""The page behind the link in a message: GET shows it, POST unsubscribes the recipient."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy
from campaign_common.errors import DatabaseUnavailable
from campaign_common.settings import (
    Settings,
    UnsubscribeScope,
    UnsubscribeSettings,
)
from campaign_common.settings.sections.people.unsubscribe import UnsubscribeTexts
from campaign_common.store.inbound.inbound_messages import insert_inbound
from campaign_common.store.inbound.keyword_effects import act_on_keywords
from campaign_common.store.suppressions.lookup import look_up_suppressed
from tests.integration.api.drafted import PATH, body
from tests.integration.api.stored import change, rows
from tests.integration.api.unsubscribing.links import (
    ANN,
    BOB,
    NEW,
    client_of,
    path_of,
    stored,
)
from tests.support.keys import make_key
from tests.support.servers.databases import ONE_FLAVOUR

pytestmark = ONE_FLAVOUR


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
