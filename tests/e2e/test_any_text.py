"""Any text goes through import, send and export, and arrives without blanks around it."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from campaign_api.csv_export import neutralised
from campaign_common.domain.recipient import trimmed
from tests.support.odd_text import TEXT, csv_text
from tests.support.providers.recordings import RecordingProvider, recording_provider
from tests.support.services.system import System
from tests.support.waiting import wait_until

EXAMPLES = 5
"""Each is a campaign with many people; all of them are different texts."""
MOST_PEOPLE = 100
FIRST_PHONE = 13961467500
SOMEBODY = "13961460000"

NAME = TEXT.filter(bool)
PEOPLE = st.lists(st.tuples(TEXT, TEXT), min_size=MOST_PEOPLE // 2, max_size=MOST_PEOPLE)
IN_MESSAGES = st.lists(st.sampled_from(["\r", "\n", "\r\n", "\t"]), max_size=2).map("".join)
LITERAL = st.tuples(TEXT, IN_MESSAGES, TEXT).map("".join)
"""Line breaks: a template may hold them, and no field of a CSV here."""


class Texts(NamedTuple):
    """All that people write in one campaign."""

    list_name: str
    campaign_name: str
    before: str
    between: str
    people: Sequence[tuple[str, str]]
    """Names and notes."""

    @property
    def template(self) -> str:
        before, between = (
            each.replace("{", "{{").replace("}", "}}") for each in (self.before, self.between)
        )
        return f"{before}>{{name}}{between}{{note}}"

    def message(self, name: str, note: str) -> str:
        return f"{self.before}>{trimmed(name)}{self.between}{trimmed(note)}"


@pytest.fixture
def provider(system: System) -> Iterator[RecordingProvider]:
    with recording_provider(system.folder / "calls") as provider:
        http = {"Url": provider.url, "AllowedNetworks": ["127.0.0.0/8"], "Timeout": "8s"}
        system.configure(Provider="http", Http=http)
        yield provider


@pytest.mark.timeout(600)
def test_any_text_arrives_as_it_was(system: System, provider: RecordingProvider) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],  # what fails is a campaign, and is not made smaller
        suppress_health_check=list(HealthCheck),
    )
    @given(texts=st.builds(Texts, NAME, NAME, LITERAL, LITERAL, PEOPLE))
    def sent_and_exported(texts: Texts) -> None:
        campaign_id = send(system, texts)
        calls = [call.sent for call in provider.calls() if call.sent.campaign_id == campaign_id]
        expected = {
            str(FIRST_PHONE + n): texts.message(*person) for n, person in enumerate(texts.people)
        }
        assert {sent.phone: sent.body for sent in calls} == expected
        names = [name.strip() for name, _ in texts.people]
        assert [each["name"] for each in listed(system, campaign_id)] == names
        assert [each["name"] for each in exported(system, campaign_id)] == [
            neutralised(name) for name in names
        ]
        tried_out(system, campaign_id, texts)

    with system.services():
        sent_and_exported()


def send(system: System, texts: Texts) -> int:
    """Upload the people, send the campaign to all of them, and return its id."""
    rows = [(name, str(FIRST_PHONE + n), note) for n, (name, note) in enumerate(texts.people)]
    uploaded = post(
        system,
        "recipient-lists",
        data=csv_text([("name", "phone", "note"), *rows]),
        params={"name": texts.list_name},
        headers={"Content-Type": "text/csv"},
    )
    assert (uploaded["name"], uploaded["accepted"]) == (texts.list_name, len(rows))
    plan = {
        "name": texts.campaign_name,
        "template": texts.template,
        "recipient_list_id": uploaded["id"],
    }
    made = post(system, "campaigns", json=plan)
    assert {field: made[field] for field in plan} == plan
    campaign_id = int(made["id"])
    post(system, f"campaigns/{campaign_id}/start")
    wait_until(lambda: system.is_finished(campaign_id))
    return campaign_id


def tried_out(system: System, campaign_id: int, texts: Texts) -> None:
    """Send one more by hand, whose texts come as JSON, where NUL is refused."""
    name, note = texts.people[0]
    attributes = {"name": trimmed(name) or "x", "note": trimmed(note) or "x"}
    given = {"phone": SOMEBODY, "attributes": attributes}
    sent = post(system, f"campaigns/{campaign_id}/test", json=given)
    assert sent["status"] == "sent"
    assert sent["body"] == texts.message(**attributes)
    given["attributes"] = {"name": f"{name}\0", "note": "x"}
    url = f"{system.url}/v1/campaigns/{campaign_id}/test"
    assert requests.post(url, json=given, timeout=60).status_code == 422


def listed(system: System, campaign_id: int) -> list[dict[str, Any]]:
    url = f"{system.url}/v1/campaigns/{campaign_id}/messages?limit={MOST_PEOPLE}"
    found: list[dict[str, Any]] = requests.get(url, timeout=60).json()["messages"]
    return found


def exported(system: System, campaign_id: int) -> list[dict[str, str]]:
    url = f"{system.url}/v1/campaigns/{campaign_id}/messages.csv"
    text = requests.get(url, timeout=60).content.decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def post(system: System, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = requests.post(f"{system.url}/v1/{path}", timeout=60, **options)
    assert answer.ok, answer.text
    document: dict[str, Any] = answer.json()
    return document
