"""Hard bounces: messages that were not delivered since their number takes none."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.suppressions.suppression_scope import EVERYTHING, PROVIDER

BOUNCE = "bounce"
"""Source of suppressions that follow from hard bounces."""

LONGEST_REASON = 32
"""Characters; suppressions.reason holds as many."""

_NO_LETTER = re.compile("[^a-z0-9]")


class SentMessage(NamedTuple):
    """A message to a person, as ledger and receipts have it; times are UTC, naive."""

    at: datetime
    """Time of its outcome."""
    status: Status
    provider: str
    rank: ReceiptRank
    code: str | None


class HardBounces(NamedTuple):
    """The hard bounces that suppress a person: `after` of them, with no delivery in between.

    They are counted from what is stored of the person's messages, and not one by one when they are
    reported: so reports that come twice, late or in another order make no difference.
    """

    after: int
    codes: Mapping[str, frozenset[str]]
    """Codes of hard bounces, by provider."""
    of_each: bool = True
    """Each provider counts on its own, and the person is suppressed for it alone."""
    lasts: float | None = None
    """Seconds for which the person is suppressed; None: without end."""

    def is_one(self, provider: str, rank: ReceiptRank, code: str | None) -> bool:
        """Return whether a receipt is that of a hard bounce."""
        is_listed = code is not None and code in self.codes.get(provider, frozenset())
        return rank is ReceiptRank.UNDELIVERED and is_listed

    def scope(self, provider: str) -> str:
        """Return the scope for which a person is suppressed after a bounce of `provider`."""
        return PROVIDER + provider if self.of_each else EVERYTHING

    def is_reached(
        self, messages: Iterable[SentMessage], provider: str, since: datetime | None
    ) -> bool:
        """Return whether enough of a person's messages, in any order, are hard bounces.

        `provider`: that of the latest report. `since`: those of before were dealt with, as the
        person was suppressed for them.
        """
        bounced = 0
        for one in sorted(messages, key=lambda one: one.at, reverse=True):
            if one.status is not Status.SENT or (self.of_each and one.provider != provider):
                continue
            if one.rank > ReceiptRank.UNDELIVERED or (since is not None and one.at <= since):
                break
            bounced += self.is_one(one.provider, one.rank, one.code)
        return bounced >= self.after


def reason_of(code: str | None) -> str:
    """Return the reason of a suppression after a bounce with a code: a word, as all reasons are."""
    return f"{BOUNCE}_{_NO_LETTER.sub('_', (code or '').lower())}"[:LONGEST_REASON]
