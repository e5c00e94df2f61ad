"""Talking to the API service."""

import os
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import requests

from campaign_common.domain.campaign import CampaignId
from campaign_common.errors import CampaignError, RetryLater

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
"""Seconds for an answer that should come at once."""

IMPORT_TIMEOUT = 24 * 3600.0
"""Seconds for the answer to a created campaign, which comes when its list is stored."""

KEY_VARIABLE = "CAMP_API_KEY"
"""Holds the API key: other users of the machine see command lines, but not this."""


class ApiRefused(CampaignError):
    """The API service understood the request and refused it."""


class ApiUnreachable(RetryLater):
    """The API service did not answer, or says that it cannot work now."""


class ApiClient:
    """The API service at one URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        if key := os.environ.get(KEY_VARIABLE):
            self._session.auth = _Bearer(key)

    def create(self, campaign: dict[str, Any]) -> None:
        """Create a campaign; returns when its list is stored.

        Raises:
            ApiRefused: says what is wrong.
            ApiUnreachable: no answer; the request may be repeated.
        """
        self._ask("POST", "/v1/camp/create", IMPORT_TIMEOUT, campaign)

    def read(self, campaign_id: CampaignId) -> dict[str, Any]:
        """Read how far a campaign has come; raises what `create` raises."""
        return self._ask("GET", f"/v1/campaigns/{campaign_id}", READ_TIMEOUT)

    def read_progress(self, campaign_id: CampaignId) -> dict[str, Any]:
        """Read the progress of a campaign; raise what `create` raises."""
        return self._ask("GET", f"/v1/campaigns/{campaign_id}/progress", READ_TIMEOUT)

    def providers(self) -> list[dict[str, Any]]:
        """Read the state of all providers; raises what `create` raises."""
        items: list[dict[str, Any]] = self._ask("GET", "/v1/providers", READ_TIMEOUT)["items"]
        return items

    def routes(self) -> list[dict[str, Any]]:
        """Read all routes; raises what `create` raises."""
        items: list[dict[str, Any]] = self._ask("GET", "/v1/routes", READ_TIMEOUT)["items"]
        return items

    def start_check(self, provider: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Ask for a check of a provider; returns it, before it is made.

        Without a response it is asked for once more under the same key, so that it is made once.
        Raises what `create` raises; one that gets no response may be made.
        """
        path, key = _checks_path(provider), {"Idempotency-Key": str(uuid4())}
        try:
            return self._ask("POST", path, READ_TIMEOUT, wanted, key)
        except ApiUnreachable:
            return self._ask("POST", path, READ_TIMEOUT, wanted, key)

    def read_check(self, provider: str, check_id: int) -> dict[str, Any]:
        """Read a check; raises what `create` raises."""
        return self._ask("GET", f"{_checks_path(provider)}/{check_id}", READ_TIMEOUT)

    def _ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            response = self._session.request(
                method,
                f"{self._url}{path}",
                json=body,
                headers=headers,
                timeout=(CONNECT_TIMEOUT, timeout),
            )
            answer = response.json()
        except requests.exceptions.JSONDecodeError as error:
            raise ApiRefused(f"{self._url} is no campaign API: its answer is not JSON") from error
        except requests.RequestException as error:
            raise ApiUnreachable(
                f"{self._url} does not answer; is campaign-api running?"
            ) from error
        if not isinstance(answer, dict):
            raise ApiRefused(f"{self._url} is no campaign API: its answer is no JSON object")
        if response.status_code >= 500:
            raise ApiUnreachable(_said(answer, response))
        if not response.ok:
            raise ApiRefused(_said(answer, response))
        return answer


class _Bearer(requests.auth.AuthBase):
    """Authentication by the API key; as a header of the session a .netrc file would replace it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _checks_path(provider: str) -> str:
    return f"/v1/providers/{quote(provider, safe='')}/checks"


def _said(answer: dict[str, Any], response: requests.Response) -> str:
    """Return the text of a refusal: of a problem document, or of the original's form."""
    return str(answer.get("detail") or answer.get("msg") or response.reason)
