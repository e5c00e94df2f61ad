"""Something of everything that the API knows, so that requests for it can succeed."""

from collections.abc import Mapping
from typing import Any

import requests

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.store.messages.provider_checks import CheckContent, NewCheck, insert_check
from campaign_common.store.messages.single_messages import NewSingleMessage, insert_single_message

PHONE = "13961467500"
UNERASED = "12025550123"
FIRST_OF_MANY = 13970000000
PEOPLE = 20
CSV = (
    "name,phone,city\n"
    + "".join(f"user{n},{13961467500 + n},Rome\n" for n in range(PEOPLE))
    + "bad,12,Rome\n"
)
ROUTE = "seeded"
TEMPLATE = "hi {name|you}, see you in {city|town}"

STATES = ("draft", "scheduled", "running", "paused", "finished", "cancelled", "failed")

FITTING = {
    "pause": "running",
    "resume": "paused",
    "cancel": "scheduled",
    "retry": "finished",
    "schedule": "draft",
    "start": "draft",
}
"""A state in which a campaign allows a verb."""

STARTED = """
UPDATE campaigns
SET state = %s, shards = 2, last_seq = %s, total = %s, published_seq = %s, published_count = %s,
    started_at = NOW(6) - INTERVAL 10 SECOND,
    finished_at = IF(%s = 'finished', NOW(6), NULL)
WHERE id = %s
"""

LEDGER = """
INSERT INTO messages_{shard}
  (campaign_id, seq, status, generation, try_number, attempts, sent_at)
SELECT c.id, r.seq, %s, 0, 0, 1, NOW(6) FROM campaigns c JOIN recipients r ON r.list_id = c.list_id
WHERE c.id = %s AND MOD(CRC32(r.phone), 2) = {shard} AND r.seq <= %s
"""

COUNTED = """
INSERT INTO campaign_counters (campaign_id, shard, status, n)
SELECT campaign_id, {shard}, status, COUNT(*) FROM messages_{shard} WHERE campaign_id = %s
GROUP BY campaign_id, status
"""

FAILED, SENT = 2, 1

WEBHOOK_URL = "https://example.com/events"


class Seeds:
    """Campaigns in every state, unused lists, and the people on them."""

    def __init__(self, url: str, headers: Mapping[str, str], database: Database) -> None:
        self._url = url
        self._headers = headers
        self._database = database
        self._lists = [self._upload(f"list {n}") for n in range(3)]
        check = NewCheck("simulated", UNERASED, CheckContent("hi"), dry_run=True, actor="test")
        self._check = database.run(lambda cursor: insert_check(cursor, check))
        self._campaigns = {state: self._campaign(state) for state in STATES}
        shown = CampaignId(self._campaigns["finished"])
        test = NewSingleMessage(shown, "simulated", UNERASED, Rendered("hi"), None, "test")
        self._test = database.run(lambda cursor: insert_single_message(cursor, test))

    def path(self, operation: str, method: str) -> dict[str, Any]:
        """Return path parameters that name something on which the operation can succeed.

        What it would use up is made for it.
        """
        verb = operation.rsplit("/", 1)[-1]
        state = FITTING.get(verb, "draft" if method in {"PATCH", "DELETE"} else "finished")
        changes = verb in FITTING or method == "DELETE"
        return {
            "campaign_id": self._campaign(state) if changes else self._campaigns[state],
            "list_id": self._upload("to go") if method == "DELETE" else self._lists[0],
            "phone": PHONE,
            "provider": "simulated",
            "name": ROUTE,
            "check_id": self._check,
            "test_id": self._test,
            **(self._delivery(method) if operation.startswith("/v1/webhooks") else {}),
        }

    def _delivery(self, method: str) -> dict[str, Any]:
        """Return the ids of a delivery and of its webhook: one that may go, to be deleted."""
        listed = requests.get(f"{self._url}/v1/webhooks", headers=self._headers, timeout=30)
        ids = [one["id"] for one in listed.json()["webhooks"]]
        while len(ids) < 2:
            ids.append(self._post("/v1/webhooks", json={"url": WEBHOOK_URL})["id"])
        delivery = self._post(f"/v1/webhooks/{ids[0]}/test")
        return {
            "webhook_id": ids[-1] if method == "DELETE" else ids[0],
            "delivery_id": delivery["id"],
        }

    def suppressed_scope(self) -> str:
        """Suppress the person of `path`, and return the scope."""
        return str(self._post("/v1/suppressions", json={"phone": PHONE})["scope"])

    def fields(self) -> dict[str, Any]:
        """Return fields whose values a document cannot bind: what they name must exist."""
        return {
            "recipient_list_id": self._lists[0],
            "template": TEMPLATE,
            "content": {"kind": "text", "template": TEMPLATE},
            "from": "Shop",
            "message_template": "hi {name}",
            "csv_file_path": "recipients.csv",
            "provider": "simulated",
            "file": CSV.encode(),
            "url": WEBHOOK_URL,
            "time_zone": "Europe/Oslo",
        }

    def small(self) -> tuple[int, int]:
        """Return a finished campaign of a few people, and its list."""
        return self._campaigns["finished"], self._lists[0]

    def large(self, people: int) -> tuple[int, int]:
        """Make a finished campaign of so many people, and a draft for them."""
        rows = "".join(f"user{n},{FIRST_OF_MANY + n},Rome\n" for n in range(people))
        list_id = self._upload("many", f"name,phone,city\n{rows}")
        return self._campaign("finished", list_id, people), self._campaign("draft", list_id)

    def rejects(self, rows: int) -> int:
        """Make a list with so many rejects of 2 kB each."""
        return self._upload("rejected", CSV + f"{'x' * 2_000}\n" * rows)

    def _upload(self, name: str, content: str = CSV) -> int:
        answer = self._post(f"/v1/recipient-lists?name={name}", data=content.encode())
        return int(answer["id"])

    def _campaign(self, state: str, list_id: int | None = None, people: int = PEOPLE) -> int:
        campaign = {
            "name": f"a {state} one",
            "template": TEMPLATE,
            "recipient_list_id": list_id or self._lists[0],
        }
        if state == "scheduled":
            campaign["scheduled_at"] = "2040-01-01T00:00:00Z"
        campaign_id = int(self._post("/v1/campaigns", json=campaign)["id"])
        if state not in ("draft", "scheduled"):
            self._database.run(lambda cursor: self._start(cursor, campaign_id, state, people))
        return campaign_id

    def _start(self, cursor: Any, campaign_id: int, state: str, people: int) -> None:  # noqa: ANN401
        far = (people, people, people, people)
        cursor.execute(STARTED, (state, *far, state, campaign_id))
        for shard, status in ((0, SENT), (1, FAILED)):
            cursor.execute(LEDGER.format(shard=shard), (status, campaign_id, people))
            cursor.execute(COUNTED.format(shard=shard), (campaign_id,))

    def _post(self, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        headers = dict(self._headers)
        if "data" in options:
            headers["Content-Type"] = "text/csv"
        answer = requests.post(f"{self._url}{path}", headers=headers, timeout=60, **options)
        assert answer.status_code in (200, 201, 202), answer.text
        document: dict[str, Any] = answer.json()
        return document
