"""Providers, their checks and routes, over the client of the API."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from campaign_client.client import Client
from campaign_client.errors import ClientError, ProblemOutside, ServiceUnreachable
from campaign_common.errors import CampaignError, RetryLater

PATIENCE = 10.0
"""Seconds over which a request is repeated."""


class ApiRefused(CampaignError):
    """The API service understood the request and refused it."""


class ApiUnreachable(RetryLater):
    """The API service did not answer, or says that it cannot work now."""


class ApiClient:
    """The API service at one URL."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """Check URL and key; raises ClientMisconfigured."""
        self._client = Client(url, key, patience=PATIENCE)

    def providers(self) -> list[dict[str, Any]]:
        """Read the state of all providers; raises ApiRefused or ApiUnreachable."""
        items: list[dict[str, Any]] = self._ask("GET", "/v1/providers")["items"]
        return items

    def routes(self) -> list[dict[str, Any]]:
        """Read all routes; raises ApiRefused or ApiUnreachable."""
        items: list[dict[str, Any]] = self._ask("GET", "/v1/routes")["items"]
        return items

    def start_check(self, provider: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Ask for a check of a provider; returns it, before it is made.

        Without a response it is asked for once more under the same key, so that it is made once.
        Raises ApiRefused or ApiUnreachable; one that gets no response may be made.
        """
        path, key = _checks_path(provider), {"Idempotency-Key": str(uuid4())}
        try:
            return self._ask("POST", path, wanted, key)
        except ApiUnreachable:
            return self._ask("POST", path, wanted, key)

    def read_check(self, provider: str, check_id: int) -> dict[str, Any]:
        """Read a check; raises ApiRefused or ApiUnreachable."""
        return self._ask("GET", f"{_checks_path(provider)}/{check_id}")

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            return self._client.connection.json(method, path, body=body, headers=headers)
        except (ServiceUnreachable, ProblemOutside) as error:
            raise ApiUnreachable(str(error)) from error
        except ClientError as error:
            raise ApiRefused(str(error)) from error


def _checks_path(provider: str) -> str:
    return f"/v1/providers/{quote(provider, safe='')}/checks"
