"""The API as methods."""

import time
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO
from urllib.parse import quote

from campaign_client.connection import IMPORT_TIMEOUT, PATIENCE, ApiConnection
from campaign_client.errors import Json, WaitedTooLong
from campaign_client.upload import ListUpload, Sent

PAGE = 100
"""Items of a page, where the caller names no other number."""

OVER = frozenset({"finished", "cancelled", "failed"})
"""States in which a campaign sends nothing any more."""

EVENT_PAUSE = 1.0
WAIT_PAUSE = 0.5
"""Seconds between two looks at events, and at a campaign."""


class Client:
    """One camp-mgr API, with a key or without one.

    Each method raises ApiProblem where the API refuses, ServiceUnreachable where it does not
    answer, and NotTheApi where something else answers.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        patience: float = PATIENCE,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """Check URL and key; connect to nothing.

        `patience` is the seconds over which a request is repeated, while the API answers 429 or
        503; `on_wait` is told why before the first wait of each request. Raises
        ClientMisconfigured.
        """
        self.connection = ApiConnection(url, key, patience, on_wait=on_wait)

    def get(self, path: str, **parameters: str | int | None) -> Json:
        """Read the JSON object at a path."""
        return self.connection.json("GET", path, parameters=parameters)

    def post(self, path: str, body: Json | None = None) -> Json:
        """Send a JSON object under an Idempotency-Key."""
        return self.connection.json("POST", path, body=body or {}, once=True)

    def whoami(self) -> Json:
        """Read who the API takes the caller for: name, scope, and the version of the API."""
        return self.get("/v1/whoami")

    def pages(self, path: str, items: str, **parameters: str | int | None) -> Iterator[Json]:
        """Return the items of a collection, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **{"limit": PAGE, **parameters, "cursor": cursor})
            yield from page[items]
            if (cursor := page["next_cursor"]) is None:
                return

    def export(self, path: str, **parameters: str | None) -> Iterator[bytes]:
        """Return an export piece by piece."""
        return self.connection.blocks("GET", path, parameters=parameters)

    def upload_list(
        self, file: BinaryIO, sent: Sent | None = None, **parameters: str | None
    ) -> Json:
        """Upload a CSV as a recipient list; return it when it is stored.

        The parameters are those of POST /v1/recipient-lists: name, phone_column, delimiter,
        default_region and others. `sent` is told how far the upload has come.
        """
        return self._upload("/v1/recipient-lists", file, sent, parameters)

    def import_suppressions(
        self, file: BinaryIO, sent: Sent | None = None, **parameters: str | None
    ) -> Json:
        """Upload a CSV of suppressed phone numbers; return how many were accepted."""
        return self._upload("/v1/suppressions.csv", file, sent, parameters)

    def _upload(
        self, path: str, file: BinaryIO, sent: Sent | None, parameters: dict[str, str | None]
    ) -> Json:
        return self.connection.json(
            "POST",
            path,
            data=ListUpload(file, sent),
            parameters=parameters,
            headers={"Content-Type": "text/csv"},
            timeout=IMPORT_TIMEOUT,
            once=True,
        )

    def campaigns(self, **parameters: str | int | None) -> Iterator[Json]:
        """Return the campaigns, the newest first; `state` and `name` choose."""
        return self.pages("/v1/campaigns", "campaigns", **parameters)

    def campaign(self, campaign_id: int) -> Json:
        """Read a campaign."""
        return self.get(f"/v1/campaigns/{campaign_id}")

    def progress(self, campaign_id: int) -> Json:
        """Read the progress of a campaign."""
        return self.get(f"/v1/campaigns/{campaign_id}/progress")

    def create_campaign(self, wanted: Json) -> Json:
        """Create a campaign: a draft, or a scheduled one with `scheduled_at`."""
        return self.post("/v1/campaigns", wanted)

    def create_numbered(self, wanted: Json) -> Json:
        """Create a campaign as the original did, of a CSV on the server; may be repeated."""
        return self.connection.json(
            "POST", "/v1/camp/create", body=wanted, timeout=IMPORT_TIMEOUT, once=True
        )

    def act(self, campaign_id: int, action: str, body: Json | None = None) -> Json:
        """Order an action: schedule, start, pause, resume, cancel, retry, clone, and others."""
        return self.post(f"/v1/campaigns/{campaign_id}/{action}", body)

    def start_campaign_at(self, campaign_id: int, scheduled_at: str) -> Json:
        """Schedule a campaign at an RFC 3339 time."""
        return self.act(campaign_id, "schedule", {"scheduled_at": scheduled_at})

    def delete(self, path: str, **parameters: str | int | None) -> Json:
        """Delete what is at a path; return the answer, empty where there is none."""
        return self.connection.json("DELETE", path, parameters=parameters)

    def messages(self, campaign_id: int, **parameters: str | int | None) -> Iterator[Json]:
        """Return the messages of a campaign; `status`, `error_code` and others choose."""
        return self.pages(f"/v1/campaigns/{campaign_id}/messages", "messages", **parameters)

    def events(self, campaign_id: int) -> Iterator[Json]:
        """Return the events of a campaign, in the order of the API."""
        return self.pages(f"/v1/campaigns/{campaign_id}/events", "events")

    def follow_events(self, campaign_id: int) -> Iterator[Json]:
        """Return the events of a campaign in their order, and new ones until it has ended."""
        seen = 0
        while True:
            over = self.campaign(campaign_id)["state"] in OVER
            for event in sorted(self.events(campaign_id), key=lambda event: int(event["id"])):
                if event["id"] > seen:
                    seen = event["id"]
                    yield event
            if over:
                return
            time.sleep(EVENT_PAUSE)

    def wait(
        self, campaign_id: int, states: Collection[str] = OVER, timeout: float | None = None
    ) -> Json:
        """Wait until a campaign is in one of the states or over, and return it.

        Raises:
            WaitedTooLong: it is not after `timeout` seconds.
        """
        given_up_at = None if timeout is None else time.monotonic() + timeout
        while True:
            campaign = self.campaign(campaign_id)
            if campaign["state"] in states or campaign["state"] in OVER:
                return campaign
            if given_up_at is not None and time.monotonic() >= given_up_at:
                raise WaitedTooLong(
                    f"campaign {campaign_id} is {campaign['state']} after {timeout:g} s"
                )
            time.sleep(WAIT_PAUSE)

    def person(self, phone: str) -> Json:
        """Read what is stored of a person; needs a key with the scope admin."""
        return self.get(f"/v1/recipients/{quote(phone, safe='')}")

    def erase(self, phone: str) -> Json:
        """Erase a person."""
        return self.delete(f"/v1/recipients/{quote(phone, safe='')}")
