"""A message of a campaign: its identity, its status, and when a record of it is live."""

from enum import IntEnum
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId


class Status(IntEnum):
    """The status of a message; the number stands in the ledger.

    0 to 2 are the numbers of the original system. A message without a ledger row is
    `NOT_STARTED`; that number is never stored.
    """

    NOT_STARTED = 0
    SENT = 1
    FAILED = 2
    WAITING = 3
    SUPPRESSED = 4
    EXPIRED = 5
    UNKNOWN = 6
    CANCELLED = 7

    # Enum's own hash is written in Python, and outcomes are counted by their status.
    __hash__ = int.__hash__

    @property
    def word(self) -> str:
        """The status as users read it."""
        return self.name.lower()


FINAL = frozenset(
    {
        Status.SENT,
        Status.FAILED,
        Status.SUPPRESSED,
        Status.EXPIRED,
        Status.UNKNOWN,
        Status.CANCELLED,
    }
)
"""Statuses that end a message; WAITING (for a retry) and NOT_STARTED do not."""

LARGEST_GENERATION = 65_535
"""The highest number of a generation, which the ledger has room for; it is not retried by hand."""

LARGEST_TRY = 65_535
"""The highest number of a try, which the ledger has room for; all later ones have it, too.

A message that waits for its provider for months comes that far. Any record of it that is live is
of a try that may be made: the numbers tell records that have their outcome from others, and not
what was sent.
"""


class MessageKey(NamedTuple):
    """One message, over all its tries: recipient `seq` of a campaign's list."""

    campaign_id: CampaignId
    seq: int


class LedgerEntry(NamedTuple):
    """The ledger's row of one message.

    `in_doubt`: a provider may have taken an earlier try without saying so. `provider` is that of
    the next try of a message that waits, and that of the outcome of another one; None: the one that
    its campaign names, or on a route the one that is chosen next.
    """

    status: int
    generation: int
    try_number: int
    attempts: int
    in_doubt: int = 0
    provider: str | None = None


def next_try(try_number: int) -> int:
    """Return the number of the try that follows one."""
    return min(try_number + 1, LARGEST_TRY)


def is_live(entry: LedgerEntry | None, generation: int, try_number: int) -> bool:
    """Return whether a record of this generation and try should be sent (protocol rule 1).

    Live = nothing is recorded and this is the first try, or the message waits for exactly
    this try. Everything else is a copy of something that already has its outcome.
    """
    if entry is None:
        return try_number == 1
    return (
        entry.status == Status.WAITING
        and entry.generation == generation
        and next_try(entry.try_number) == try_number
    )


def idempotency_key(campaign_id: CampaignId, seq: int, generation: int) -> str:
    """Name the message to a provider: the same in every try, new when a person retries it."""
    return f"{campaign_id}-{seq}-{generation}"
