"""The whole life of a campaign, by HTTP alone."""

import csv
import io
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.support.services.system import System
from tests.support.waiting import wait_until

RECIPIENTS = 4_000
PHONES = [str(13961467500 + n) for n in range(RECIPIENTS)]
TEMPLATE = "Hi {name}, see you in {city|town}"

Json = dict[str, Any]


class Client:
    """Somebody who has nothing but the URL of the API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> requests.Response:  # noqa: ANN401 - those of requests
        answer = self._session.request(method, f"{self._url}/v1{path}", timeout=60, **options)
        assert answer.status_code == status, answer.text
        return answer

    def read(self, path: str) -> Json:
        found: Json = self.ask("GET", path).json()
        return found

    def do(self, path: str, expected: int = 200, /, **fields: object) -> Json:
        done: Json = self.ask("POST", path, expected, json=fields).json()
        return done

    def upload(self, name: str, content: bytes) -> Json:
        file = {"file": ("people.csv", content, "text/csv")}
        answer: Json = self.ask(
            "POST", "/recipient-lists", 201, files=file, data={"name": name}
        ).json()
        return answer

    def messages(self, campaign_id: int) -> list[Json]:
        """Every message of a campaign, page by page."""
        path, found = f"/campaigns/{campaign_id}/messages?limit=1000", list[Json]()
        while True:
            page = self.read(path)
            found += page["messages"]
            if page["next_cursor"] is None:
                return found
            path = f"/campaigns/{campaign_id}/messages?limit=1000&cursor={page['next_cursor']}"

    def export(self, campaign_id: int) -> list[dict[str, str]]:
        answer = self.ask("GET", f"/campaigns/{campaign_id}/messages.csv")
        return list(csv.DictReader(io.StringIO(answer.content.decode())))


def people() -> bytes:
    rows = (f"{phone},user{n},{'Oslo' if n % 2 else ''}\n" for n, phone in enumerate(PHONES))
    return ("phone,name,city\n" + "".join(rows) + "123,nobody,\n").encode()


def test_the_whole_life_of_a_campaign(system: System) -> None:
    system.configure(
        Simulated={
            "Seed": 7,
            "FailureRates": {"permanent": 0.1},
            "Latency": {"Distribution": "uniform", "Mean": "100ms", "Spread": "90ms"},
        },
        Sender={"InFlight": 200, "BatchSize": 100},
    )
    with system.services():
        client = Client(system.url)
        campaign_id = plan(client)
        path = f"/campaigns/{campaign_id}"
        run(client, path)
        failed = finish(client, path)
        retry(client, path, failed)
        accounted_for(client, campaign_id)
        cancel_a_clone(client, path)
        told_by_its_events(client, path)


def plan(client: Client) -> int:
    """Upload a list, look at what would be sent, and set the time."""
    uploaded = client.upload("people", people())
    assert (uploaded["accepted"], uploaded["rejected"]) == (RECIPIENTS, 1)
    draft = client.do(
        "/campaigns",
        201,
        name="spring",
        template=TEMPLATE,
        recipient_list_id=uploaded["id"],
        expires_after=3600,
    )
    path = f"/campaigns/{draft['id']}"
    assert draft["state"] == "draft"
    shown = client.do(f"{path}/preview", limit=2)["messages"]
    assert [message["body"] for message in shown] == [
        "Hi user0, see you in town",
        "Hi user1, see you in Oslo",
    ]
    played = client.do(f"{path}/dry-run")
    assert (played["recipients"], played["segments"]) == (RECIPIENTS, RECIPIENTS)
    assert played["missing_values"][0] == {"placeholder": "city", "messages": RECIPIENTS // 2}
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    scheduled = client.do(f"{path}/schedule", scheduled_at=soon.isoformat())
    assert scheduled["state"] == "scheduled"
    return int(draft["id"])


def run(client: Client, path: str) -> None:
    """Let it run by itself, pause it in the middle, and let it go on."""
    wait_until(lambda: ended(client, path) > RECIPIENTS // 5)
    running = client.read(f"{path}/progress")
    assert running["state"] == "running"
    assert running["rate"] > 0
    assert running["balance"]["consistent"]
    paused = client.do(f"{path}/pause")
    assert (paused["state"], client.do(f"{path}/pause")["state"]) == ("paused", "paused")
    reached = settled(lambda: ended(client, path))
    assert RECIPIENTS // 5 < reached < RECIPIENTS
    refused = client.do(f"{path}/retry", 409, status="failed")
    assert refused["state"] == "paused"
    assert {"resume", "cancel"} <= set(refused["allowed"])
    assert client.do(f"{path}/resume")["state"] == "running"


def finish(client: Client, path: str) -> int:
    """Wait for the end; returns how many failed."""
    wait_until(lambda: client.read(path)["state"] == "finished")
    campaign = client.read(path)
    failed = int(campaign["counts"]["failed"])
    assert RECIPIENTS * 0.07 < failed < RECIPIENTS * 0.13
    assert campaign["counts"]["sent"] == RECIPIENTS - failed
    assert campaign["expires_at"] > campaign["started_at"]
    return failed


def retry(client: Client, path: str, failed: int) -> None:
    """Have what failed sent again: most of it is sent this time."""
    ordered = client.do(f"{path}/retry", status="failed")
    assert (ordered["matched"], ordered["state"]) == (failed, "running")
    wait_until(lambda: client.read(path)["state"] == "finished")
    counts = client.read(path)["counts"]
    assert counts["failed"] < failed // 2
    assert counts["sent"] + counts["failed"] == RECIPIENTS
    assert client.do(f"{path}/retry", status="expired")["matched"] == 0


def accounted_for(client: Client, campaign_id: int) -> None:
    """Find everybody, with the same outcome, in the pages, the export and the counters."""
    counts = client.read(f"/campaigns/{campaign_id}")["counts"]
    found = {message["phone"]: message["status"] for message in client.messages(campaign_id)}
    assert list(found) == PHONES
    exported = {row["phone"]: row["status"] for row in client.export(campaign_id)}
    assert exported == found
    for status in ("sent", "failed"):
        assert list(found.values()).count(status) == counts[status]


def cancel_a_clone(client: Client, path: str) -> None:
    """Start a copy and end it for good: everybody is accounted for in it too."""
    clone = client.do(f"{path}/clone", 201)
    copy = f"/campaigns/{clone['id']}"
    assert client.do(f"{copy}/dry-run")["recently_messaged"]["recipients"] > RECIPIENTS * 0.9
    client.do(f"{copy}/start")
    wait_until(lambda: ended(client, copy) > 100)
    client.do(f"{copy}/cancel")
    settled(lambda: client.read(copy)["counts"]["sent"])
    counts: Mapping[str, int] = client.read(copy)["counts"]
    assert counts["sent"] + counts["failed"] + counts["cancelled"] == RECIPIENTS
    assert counts["cancelled"] > 0
    client.ask("DELETE", copy, 409)


def told_by_its_events(client: Client, path: str) -> None:
    """Read its life as it was."""
    events = client.read(f"{path}/events")["events"]
    assert [event["type"] for event in events] == [
        "created",
        "scheduled",
        "started",
        "paused",
        "resumed",
        "finished",
        "retried",
        "finished",
    ]


def ended(client: Client, path: str) -> int:
    return int(client.read(f"{path}/progress")["balance"]["final"])


def settled(count: Callable[[], int]) -> int:
    """Wait until a count has stood still for 2 s: sends in flight are recorded by then."""
    seen, since = count(), time.monotonic()

    def stands_still() -> bool:
        nonlocal seen, since
        now = count()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 2

    wait_until(stands_still)
    return seen
