"""Used-up budgets: for how long each has not covered a message, and the pause of its campaign."""

from decimal import Decimal
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.errors import RetryLater
from campaign_common.store.campaigns.transitions import pause_without_money

PAUSED_AFTER = 4.0
"""Seconds for which a budget has not covered the message that waits, after which its campaign is
paused: by then other senders have used or returned what they held."""

PAUSED_AFTER_TURNS = 4
"""The same in turns of this sender, as long as the present one: others may be as slow."""

NOT_SEEN_FOR = 2.0
"""Seconds after which a campaign counts as one of which no message waits any more; two turns, where
these are longer."""

log = structlog.get_logger()


class Uncovered(NamedTuple):
    """Times in seconds since when, and at which at last, a budget did not cover a message."""

    since: float
    seen_at: float


class UsedUpBudgets:
    """Budgets that do not cover the message that waits; times are local, in seconds."""

    def __init__(self, database: Database, sender: str) -> None:
        """Take the main database, and the name of this sender for events."""
        self._database = database
        self._sender = sender
        self._uncovered: dict[CampaignId, Uncovered] = {}

    def note(self, campaign_id: CampaignId, cost: Decimal, now: float, turn: float) -> None:
        """Note that a message of this cost is not covered; pause its campaign after some time.

        `turn`: duration of a turn.
        """
        known = self._uncovered.get(campaign_id)
        is_new = known is None or now - known.seen_at > max(NOT_SEEN_FOR, 2 * turn)
        since = now if known is None or is_new else known.since
        self._uncovered[campaign_id] = Uncovered(since, now)
        if now - since >= max(PAUSED_AFTER, PAUSED_AFTER_TURNS * turn):
            self._pause(campaign_id, cost)

    def forget(self, campaign_id: CampaignId) -> None:
        """Forget a campaign whose message is covered, or does not wait any more."""
        self._uncovered.pop(campaign_id, None)

    def _pause(self, campaign_id: CampaignId, cost: Decimal) -> None:
        """Pause a campaign, unless its budget covers a message of this cost by now."""
        self.forget(campaign_id)
        try:
            with self._database.transaction() as cursor:
                is_paused = pause_without_money(cursor, campaign_id, cost, self._sender)
        except (RetryLater, DriverError) as error:
            log.warning("campaign not paused", campaign=campaign_id, error=str(error))
            return
        if is_paused:
            log.warning("campaign paused, its budget is used up", campaign=campaign_id)
