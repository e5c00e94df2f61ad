"""Links to unsubscribe in the content of campaigns, previews, dry runs and test messages."""

from dataclasses import replace
from functools import partial

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.campaigns.trial_messages import store_trial_message
from campaign_common.database import Database
from campaign_common.settings import (
    Settings,
)
from tests.integration.api.drafted import PATH, body, problem
from tests.integration.api.stored import REQUEST, add_list, value
from tests.integration.api.unsubscribing.links import (
    ANN,
    BASE,
    CALLBACKS,
    LINKS,
    NEW,
    TEMPLATE,
    client_of,
    stored,
)
from tests.support.servers.databases import ONE_FLAVOUR

pytestmark = ONE_FLAVOUR


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
