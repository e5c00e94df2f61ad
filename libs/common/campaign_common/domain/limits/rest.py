"""Rest of a provider: the time in which nothing is sent to it, and why."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class RestReason(StrEnum):
    """Reason for which a provider rests."""

    CIRCUIT_OPEN = "circuit_open"
    """Most sends have failed."""
    ACCOUNT_REFUSED = "account_refused"
    """It refuses the account: credentials, credit, suspension."""
    RETRY_AFTER = "retry_after"
    """It asked to wait."""
    DAY_USED_UP = "day_used_up"
    """Its limits let nothing more through on this day."""


class ProviderRest(NamedTuple):
    """Rest of a provider; `until` is UTC, naive."""

    until: datetime
    reason: RestReason


def rest_of_all(providers: Iterable[str], rests: Mapping[str, ProviderRest]) -> ProviderRest | None:
    """Return the rest of a campaign that may take these providers; None: one of them works.

    It ends with the first of them.
    """
    found = [rests.get(provider) for provider in providers]
    resting = [rest for rest in found if rest is not None]
    return min(resting) if resting and len(resting) == len(found) else None
