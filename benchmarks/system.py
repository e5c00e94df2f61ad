"""The running services as benchmarks use them: lists, campaigns and their outcomes."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pymysql
import requests

from benchmarks.results import Points
from local_stack.services import Services

SHARDS = 8
"""The default of `MsgTableShardingSize`, which benchmarks do not change."""

ANSWER_SECONDS = 3600
MUCH_LATER = 10 * 365 * 24 * 3600
POLL = 0.1
STANDSTILL = 60.0
"""Seconds without a single outcome after which a benchmark gives up."""

TEMPLATE = "hi {name}, this is a test message."

OUTCOMES = "SELECT COALESCE(SUM(n), 0) FROM campaign_counters WHERE campaign_id = %s"
ALL_OUTCOMES = "SELECT COALESCE(SUM(n), 0) FROM campaign_counters WHERE status <> 3"

LAST_OUTCOME = "SELECT MAX(sent_at) FROM messages_{shard} WHERE campaign_id IN %s"

STARTED = "SELECT MIN(started_at) FROM campaigns WHERE id IN %s"

GROUPS = ("api", "scheduler", "sender", "database", "broker", "provider")


class StandsStill(Exception):
    """No outcome was recorded for too long."""


class System:
    """API, scheduler and senders on their servers."""

    def __init__(
        self, services: Services, servers: Mapping[str, int], cursor: pymysql.cursors.Cursor
    ) -> None:
        self.services = services
        self.url = services.url
        self.cursor = cursor
        self._servers = servers
        self._http = requests.Session()

    def processes(self, provider: int | None = None) -> dict[str, int]:
        """Return the process id of every process by name, a provider's included."""
        own = {name.removeprefix("campaign-"): pid for name, pid in self.services.processes.items()}
        return own | dict(self._servers) | ({} if provider is None else {"provider": provider})

    def import_by_path(self, file: Path, campaign_id: int) -> None:
        """Let the API read a file below CsvRoot, for a campaign that does not start yet."""
        body = {
            "campaign_name": file.stem,
            "campaign_id": campaign_id,
            "message_template": TEMPLATE,
            "scheduled_time": int(time.time()) + MUCH_LATER,
            "csv_file_path": file.name,
        }
        self.post("/v1/camp/create", body)

    def authenticate(self, token: str) -> None:
        """Send an API key with every request from now on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def has_list(self, list_id: int) -> bool:
        """Return whether the recipient list exists."""
        answer = self._http.get(f"{self.url}/v1/recipient-lists/{list_id}", timeout=60)
        return answer.ok

    def list_of(self, campaign_id: int) -> int:
        """Return the id of a campaign's recipient list."""
        return int(self.campaign(campaign_id)["list"]["id"])

    def draft(self, list_id: int, **more: object) -> int:
        """Make a campaign for a list, and return its id."""
        body = {"name": "benchmark", "template": TEMPLATE, "recipient_list_id": list_id, **more}
        return int(self.post("/v1/campaigns", body)["id"])

    def change(self, campaign_id: int, verb: str) -> None:
        """Start, pause, resume or cancel a campaign."""
        self.post(f"/v1/campaigns/{campaign_id}/{verb}")

    def campaign(self, campaign_id: int) -> Mapping[str, Any]:
        """Read a campaign as users do."""
        answer = self._http.get(f"{self.url}/v1/campaigns/{campaign_id}", timeout=60)
        return _json(answer)

    def post(self, path: str, body: object = None) -> Mapping[str, Any]:
        """Post to the API; any answer but a success ends the benchmark."""
        return _json(self._http.post(f"{self.url}{path}", json=body, timeout=ANSWER_SECONDS))

    def outcomes(self, campaign_id: int | None = None) -> int:
        """Read the number of outcomes from the counters, of one campaign or of all."""
        if campaign_id is None:
            self.cursor.execute(ALL_OUTCOMES)
        else:
            self.cursor.execute(OUTCOMES, (campaign_id,))
        ((n,),) = self.cursor.fetchall()
        return int(n)

    def follow(
        self,
        total: int,
        campaign_id: int | None = None,
        show: Callable[[int], None] = lambda _: None,
    ) -> Points:
        """Wait until so many outcomes are recorded; return their number over time.

        Raises:
            StandsStill: nothing was recorded for a minute.
        """
        began = moved = time.monotonic()
        seen = self.outcomes(campaign_id)
        points = [(0.0, float(seen))]
        while seen < total:
            time.sleep(POLL)
            earlier, seen = seen, self.outcomes(campaign_id)
            now = time.monotonic()
            points.append((now - began, float(seen)))
            show(seen)
            if seen != earlier:
                moved = now
            elif now - moved > STANDSTILL:
                raise StandsStill(f"{seen:,} of {total:,} outcomes, none for {STANDSTILL:.0f} s")
        return points

    def wait_for_state(self, campaign_id: int, states: Sequence[str] = ("finished",)) -> None:
        """Wait until a campaign is in one of the given states."""
        deadline = time.monotonic() + STANDSTILL
        while (state := self.campaign(campaign_id)["state"]) not in states:
            if time.monotonic() > deadline:
                raise StandsStill(f"campaign {campaign_id} is {state}, not {' or '.join(states)}")
            time.sleep(POLL)

    def sending_seconds(self, *campaigns: int) -> float:
        """Return the time from the first start to the last outcome, by the database's clock."""
        self.cursor.execute(STARTED, (campaigns,))
        ((started,),) = self.cursor.fetchall()
        moments = []
        for shard in range(SHARDS):
            self.cursor.execute(LAST_OUTCOME.format(shard=shard), (campaigns,))
            moments += [moment for (moment,) in self.cursor.fetchall() if moment is not None]
        return float((max(moments) - started).total_seconds())


def _json(answer: requests.Response) -> Mapping[str, Any]:
    if not answer.ok:
        raise RuntimeError(
            f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        )
    body: Mapping[str, Any] = answer.json()
    return body
