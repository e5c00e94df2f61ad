"""A new campaign in five steps, as a browser without JavaScript sends its forms."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.content.price import Price
from campaign_common.settings import Settings, SimulatedSettings
from tests.integration.api.dashboard.visitor import OWN, PAGE, Visitor, markup
from tests.integration.api.drafted import events
from tests.integration.api.stored import add_list, rows
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

HOSTILE = "<script>alert(1)</script>\"'</textarea><img src=x onerror=alert(1)> {{ 7*1907 }}"
MESSAGE = {"recipient_list_id": "1", "name": "spring", "template": "hi {name} from {city}"}
FRAGMENT = {**OWN, "HX-Request": "true"}


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


@pytest.fixture(autouse=True)
def people(pool: Database) -> None:
    add_list(
        pool,
        [(f"1396146750{n}", name, {"city": city}) for n, (name, city) in enumerate(PEOPLE)],
    )


PEOPLE = [("Ann", "Brno"), ("Bob", "Čáslav"), ("Cid", ""), ("Dan", "Rome"), ("Eva", "Oslo")]


def draft(visitor: Visitor, **fields: str) -> int:
    """Make a draft by the first two steps, and return its id."""
    page = visitor.open("/campaigns/new/message?recipient_list_id=1")
    answer = visitor.press(page, "/campaigns/new/message", **{**MESSAGE, **fields})
    assert answer.status_code == 303, answer.text
    return int(re.findall(r"/campaigns/(\d+)/check", answer.location)[0])


def said(page: TestResponse) -> dict[str, str]:
    """Return the messages of the summary of errors, by field."""
    found = re.findall(r'<li><a href="#([^"]+)">[^:]+: ([^<]+)</a></li>', page.text)
    return {field: unescape(message) for field, message in found}


def campaign(pool: Database, campaign_id: int, column: str) -> object:
    return rows(pool, f"SELECT {column} FROM campaigns WHERE id = %s", campaign_id)[0][0]


def test_five_steps_schedule_a_campaign(visitor: Visitor, pool: Database) -> None:
    first = visitor.open("/campaigns/new")
    assert 'value="1"' in first.text
    campaign_id = draft(visitor)
    checked = visitor.open(f"/campaigns/{campaign_id}/check/result")
    assert "5 messages were checked" in checked.text
    assert "U+010C" in checked.text
    time = visitor.open(f"/campaigns/{campaign_id}/time")
    fields = {"date": "2036-07-01", "time": "10:00", "time_zone": "Europe/Prague"}
    fields |= {"max_rate": "2.5", "expires_after": "1.5", "priority": "7", "topic": "news"}
    saved = visitor.press(time, f"/{campaign_id}/time", when="later", **fields)
    assert saved.status_code == 303, saved.text
    assert campaign(pool, campaign_id, "state") == "draft"
    assert campaign(pool, campaign_id, "expires_after") == 5400
    last = visitor.open(saved.location)
    assert "2036-07-01 10:00 Europe/Prague" in last.text
    assert "2036-07-01 08:00:00 UTC" in last.text
    done = visitor.press(last, "/confirm")
    assert done.location == f"/campaigns/{campaign_id}"
    assert campaign(pool, campaign_id, "state") == "scheduled"
    assert campaign(pool, campaign_id, "scheduled_at") == datetime(2036, 7, 1, 8)  # noqa: DTZ001
    assert "2036-07-01 10:00 Europe/Prague" in visitor.open(done.location).text
    changed = visitor.open(f"/campaigns/{campaign_id}/time").text
    assert 'value="10:00"' in changed
    assert '<option value="Europe/Prague" selected>' in changed
    again = visitor.press(last, "/confirm")
    assert again.location == done.location
    assert [event[2] for event in events(pool, campaign_id)].count("scheduled") == 1


def test_a_campaign_starts_at_once(visitor: Visitor, pool: Database) -> None:
    campaign_id = draft(visitor)
    time = visitor.open(f"/campaigns/{campaign_id}/time")
    last = visitor.open(visitor.press(time, "/time", when="now").location)
    assert "Start now" in last.text
    assert visitor.press(last, "/confirm").status_code == 303
    assert campaign(pool, campaign_id, "state") == "scheduled"


def test_what_was_shown_is_what_is_confirmed(visitor: Visitor, pool: Database) -> None:
    campaign_id = draft(visitor)
    last = visitor.open(f"/campaigns/{campaign_id}/confirm?when=now")
    message = visitor.open(f"/campaigns/{campaign_id}/message")
    changed = {**MESSAGE, "template": "other"}
    assert visitor.press(message, f"/{campaign_id}/message", **changed).status_code == 303
    refused = visitor.press(last, "/confirm")
    assert refused.status_code == 412
    assert "changed meanwhile" in refused.text
    assert "other" in refused.text
    assert campaign(pool, campaign_id, "state") == "draft"
    assert visitor.press(refused, "/confirm").status_code == 303


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"date": "", "time": "", "time_zone": "Mars/Base"}, ["date", "time", "time_zone"]),
        ({"date": "2036-02-30", "time": "25:00"}, ["date", "time"]),
        ({"date": "2001-01-01", "time": "10:00"}, ["date"]),
        ({"date": "2036-03-30", "time": "02:30", "time_zone": "Europe/Berlin"}, ["time"]),
        ({"date": "2036-10-26", "time": "02:30", "time_zone": "Europe/Berlin"}, ["which"]),
        ({"when": "now", "max_rate": "fast", "expires_after": "x"}, ["expires_after"]),
        ({"when": "now", "max_rate": "fast", "priority": "11"}, ["max_rate", "priority"]),
        ({"when": "now", "budget": "12"}, ["budget"]),
    ],
)
def test_wrong_times_and_limits_are_named(
    visitor: Visitor, pool: Database, fields: dict[str, str], wrong: list[str]
) -> None:
    campaign_id = draft(visitor)
    time = visitor.open(f"/campaigns/{campaign_id}/time")
    answer = visitor.press(time, "/time", **{"when": "later", "time_zone": "UTC", **fields})
    assert answer.status_code == 422
    assert sorted(said(answer)) == wrong
    for name, value in fields.items():
        if name in ("max_rate", "budget", "expires_after"):
            assert f'value="{value}"' in answer.text
    assert campaign(pool, campaign_id, "max_rate") is None


def test_a_time_shown_twice_is_asked_for(visitor: Visitor, pool: Database) -> None:
    campaign_id = draft(visitor)
    twice = {"when": "later", "date": "2036-10-26", "time": "02:30", "time_zone": "Europe/Berlin"}
    time = visitor.open(f"/campaigns/{campaign_id}/time")
    asked = visitor.press(time, "/time", **twice)
    saved = visitor.press(asked, "/time", **twice, which="second")
    last = visitor.open(saved.location)
    assert "2036-10-26 01:30:00 UTC" in last.text
    back = re.findall(r'href="([^"]+/time\?[^"]+)"', last.text)
    assert 'value="2036-10-26"' in visitor.open(unescape(back[0])).text


def test_going_back_to_the_lists_loses_nothing(visitor: Visitor, pool: Database) -> None:
    """Without a draft yet: what was typed goes along, even if no campaign could have it."""
    add_list(pool, [("13961467599", "Zoe", {"town": "Kyiv"})], columns=("town",), list_id=2)
    typed = {"recipient_list_id": "1", "name": HOSTILE, "template": "\nhi {town}", "from": "Shop"}
    lists = visitor.send("/campaigns/new", typed)
    assert lists.status_code == 200
    hidden = r'<textarea hidden name="([^"]+)"[^>]*>\n(.*?)</textarea>'
    kept = re.findall(hidden, lists.text, re.DOTALL)
    carried = {name: unescape(value) for name, value in kept}
    assert carried["template"] == "\nhi {town}"
    message = visitor.send("/campaigns/new/preview", {**carried, "recipient_list_id": "2"})
    assert "hi Kyiv" in message.text
    assert "Shop" in message.text
    assert markup(message.text) == []
    made = visitor.press(message, "/message", **{**carried, "recipient_list_id": "2"})
    assert made.status_code == 303
    assert rows(pool, "SELECT name, list_id FROM campaigns") == [(HOSTILE, 2)]
    stored = visitor.open(made.location.replace("check", "message"))
    assert ">\n\nhi {town}</textarea>" in stored.text
    assert 'value="Shop"' in stored.text


def test_a_draft_gets_another_list_with_its_message(visitor: Visitor, pool: Database) -> None:
    add_list(pool, [("13961467599", "Zoe", {})], columns=(), list_id=2)
    campaign_id = draft(visitor)
    lists = visitor.open(f"/campaigns/{campaign_id}/list")
    assert re.search(r'id="list-1" value="1" required checked', lists.text)
    page = visitor.open(f"/campaigns/{campaign_id}/message?recipient_list_id=2")
    assert "no column city" in page.text
    fields = {"recipient_list_id": "2", "name": "spring", "template": "hi {name}"}
    refused = visitor.press(page, "/message", **{**fields, "template": "{city}"})
    assert refused.status_code == 422
    saved = visitor.press(refused, "/message", **fields)
    assert saved.status_code == 303
    assert campaign(pool, campaign_id, "list_id") == 2


def test_a_form_sent_again_with_other_text_is_shown(visitor: Visitor, pool: Database) -> None:
    """Back in the history of the browser the form has the key that was used."""
    page = visitor.open("/campaigns/new/message?recipient_list_id=1")
    assert visitor.press(page, "/new/message", **MESSAGE).status_code == 303
    other = {**MESSAGE, "template": "something else"}
    refused = visitor.press(page, "/new/message", **other)
    assert refused.status_code == 422
    assert "was sent before" in refused.text
    assert "something else" in refused.text
    assert rows(pool, "SELECT COUNT(*) FROM campaigns") == [(1,)]
    assert visitor.press(refused, "/new/message", **other).status_code == 303


def test_the_preview_names_what_costs(settings: Settings, pool: Database) -> None:
    price = Price("EUR", Decimal("0.1"), {})
    priced = replace(settings, simulated=SimulatedSettings(price=price))
    visitor = Visitor(create_app(priced, Databases((pool,))).test_client())
    visitor.sign_in(make_key(pool, Scope.WRITE))
    page = visitor.client.post("/campaigns/new/preview", data=MESSAGE, headers=FRAGMENT)
    assert page.text.startswith('<section id="preview"')
    assert page.text.count('class="segments"') == 3
    assert "<code>Č</code> (U+010C)" in page.text
    assert "Without a value: city" in page.text
    assert '<span class="cost">0.10 EUR</span>' in page.text
    following = visitor.client.post(
        "/campaigns/new/preview", data={**MESSAGE, "go": "4"}, headers=FRAGMENT
    )
    assert "hi Dan from Rome" in following.text
    assert 'name="go"' not in following.text


@pytest.mark.parametrize(
    ("template", "text"),
    [("{nothing", "{"), ("{town}", "no column town"), ("", "No message yet"), (HOSTILE, "alert")],
)
def test_a_preview_of_anything_is_an_answer(visitor: Visitor, template: str, text: str) -> None:
    """It is 200, as browsers log others in their console."""
    fields = {**MESSAGE, "template": template}
    page = visitor.client.post("/campaigns/new/preview", data=fields, headers=FRAGMENT)
    assert page.status_code == 200
    assert text in page.text
    assert markup(page.text) == []


@pytest.mark.parametrize("path", ["list", "message", "check", "check/result", "time", "confirm"])
def test_hostile_text_is_markup_on_no_step(visitor: Visitor, pool: Database, path: str) -> None:
    with pool.transaction() as cursor:
        cursor.execute("UPDATE recipient_lists SET name = %s", (HOSTILE[:80],))
    text = HOSTILE.replace("{{ 7*1907 }}", "")
    campaign_id = draft(visitor, name=text, template=text)
    page = visitor.open(f"/campaigns/{campaign_id}/{path}?when=now")
    assert page.status_code == 200
    assert markup(page.text) == []


def test_a_template_of_the_provider_has_parameters(visitor: Visitor, pool: Database) -> None:
    fields = {
        "recipient_list_id": "1",
        "name": "spring",
        "kind": "template",
        "content.name": "welcome",
        "content.language": "xx!",
        "content.parts": ["hi {name}", "", "from {city}", ""],
    }
    page = visitor.open("/campaigns/new/message?recipient_list_id=1")
    key = dict(re.findall(r'name="(idempotency_key)" value="([^"]+)"', page.text)[-1:])
    answer = visitor.client.post("/campaigns/new/message", data=fields | key, headers=OWN)
    assert said(answer).keys() == {"content.language", "content.parts.1"}
    again = dict(re.findall(r'name="(idempotency_key)" value="([^"]+)"', answer.text)[-1:])
    right = fields | again | {"content.language": "de"}
    right["content.parts"] = ["hi {name}", "from {city}", ""]
    made = visitor.client.post("/campaigns/new/message", data=right, headers=OWN)
    assert made.status_code == 303, made.text
    stored = visitor.open(made.location.replace("check", "message"))
    parts = re.findall(r'name="content.parts"[^>]*>\n([^<]*)</textarea>', stored.text)
    assert parts == ["hi {name}", "from {city}", "", "", ""]
    assert "hi Ann" in stored.text


def test_steps_are_for_those_who_may_write(client: FlaskClient, pool: Database) -> None:
    reader = Visitor(client)
    reader.sign_in(make_key(pool, Scope.READ))
    assert "/campaigns/new" not in reader.open("/campaigns").text
    for path in ("/campaigns/new", "/campaigns/new/message?recipient_list_id=1"):
        assert reader.open(path).status_code == 403
    assert reader.send("/campaigns/new/preview", MESSAGE).status_code == 403
    assert reader.send("/campaigns/new/message", MESSAGE).status_code == 403


def test_a_list_that_is_gone_leads_to_the_others(visitor: Visitor) -> None:
    assert visitor.open("/campaigns/new/message").location == "/campaigns/new"
    assert visitor.open("/campaigns/new/message?recipient_list_id=9").status_code == 404
    assert visitor.open("/campaigns/new?recipient_list_id=x").status_code == 200


def test_without_a_list_the_first_step_says_so(visitor: Visitor, pool: Database) -> None:
    with pool.transaction() as cursor:
        cursor.execute("UPDATE recipient_lists SET state = 'importing'")
    assert "no list that is ready" in visitor.open("/campaigns/new").text


def test_a_clone_is_a_draft_to_be_changed(visitor: Visitor, pool: Database) -> None:
    campaign_id = draft(visitor)
    answer = visitor.press(visitor.open(f"/campaigns/{campaign_id}"), "/clone")
    clone = int(re.findall(r"/campaigns/(\d+)/message", answer.location)[0])
    assert clone != campaign_id
    assert "hi {name} from {city}" in visitor.open(answer.location).text


def test_a_scheduled_campaign_gets_another_time(visitor: Visitor, pool: Database) -> None:
    campaign_id = draft(visitor)
    path = f"/campaigns/{campaign_id}/confirm?when=later&date=2036-01-01&time=10:00"
    visitor.press(visitor.open(path), "/confirm")
    assert "Another time" in visitor.open(f"/campaigns/{campaign_id}").text
    time = visitor.open(f"/campaigns/{campaign_id}/time")
    assert 'value="2036-01-01"' in time.text
    later = {"when": "later", "date": "2036-01-02", "time": "10:00", "time_zone": "UTC"}
    last = visitor.open(visitor.press(time, "/time", **later).location)
    assert visitor.press(last, "/confirm").status_code == 303
    assert campaign(pool, campaign_id, "scheduled_at") == datetime(2036, 1, 2, 10)  # noqa: DTZ001
    visitor.press(visitor.open(f"/campaigns/{campaign_id}/cancel"), "/cancel")
    assert visitor.open(f"/campaigns/{campaign_id}/time").status_code == 409


def test_times_of_a_query_that_are_wrong_are_said(visitor: Visitor) -> None:
    campaign_id = draft(visitor)
    answer = visitor.open(f"/campaigns/{campaign_id}/confirm?date=never&time=10:00")
    assert answer.status_code == 303
    assert said(visitor.open(answer.location)).keys() == {"date"}


def test_the_campaigns_of_some_days_are_found(visitor: Visitor, pool: Database) -> None:
    early, late = (draft(visitor, name=name) for name in ("early", "late"))
    for campaign_id, day in ((early, "2036-05-31"), (late, "2036-06-01")):
        path = f"/campaigns/{campaign_id}/confirm?date={day}&time=23:30"
        visitor.press(visitor.open(path), "/confirm")

    def found(**query: str) -> list[str]:
        page = visitor.client.get("/campaigns", query_string=query, headers=PAGE)
        return sorted(re.findall(r'<a href="/campaigns/\d+">(\w+)</a>', page.text))

    assert found(**{"from": "2036-05-31", "to": "2036-05-31"}) == ["early"]
    berlin = {"time_zone": "Europe/Berlin"}
    assert found(**{"from": "2036-05-31", "to": "2036-05-31"}, **berlin) == []
    assert found(**{"from": "2036-06-01"}, **berlin) == ["early", "late"]
    assert found(to="2036-06-01") == ["early", "late"]
    answer = visitor.open("/campaigns?from=soon")
    assert answer.status_code == 422
    assert said(answer).keys() == {"from"}


def test_the_calendar_has_planned_campaigns(visitor: Visitor, pool: Database) -> None:
    for n in range(7):
        campaign_id = draft(visitor, name=f"{HOSTILE[:40]}{n}", template="hi")
        path = f"/campaigns/{campaign_id}/confirm?date=2036-05-31&time=23:3{n}"
        visitor.press(visitor.open(path), "/confirm")
    month = visitor.open("/calendar?month=2036-05")
    assert "May 2036" in month.text
    assert "23:34" in month.text
    assert "23:35" not in month.text
    assert "2 more" in month.text
    assert "/campaigns?from=2036-05-31" in month.text
    assert "<script>" not in month.text
    berlin = visitor.open("/calendar?month=2036-06&time_zone=Europe/Berlin")
    assert "01:34" in berlin.text
    assert "Nothing is planned" in visitor.open("/calendar?month=2036-08").text
    for odd in ("month=x", "month=2036-13", "time_zone=x", "month=8999-12", "month=1971-01"):
        assert visitor.open(f"/calendar?{odd}").status_code == 200
