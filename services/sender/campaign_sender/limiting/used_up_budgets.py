"""Used-up budgets: for how long each has not covered a message, and the pause of its campaign."""

import threading
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

PAUSED_AFTER_KEPT = 2
"""The same in times for which this sender keeps money that it does not need: so do the others."""

NOT_SEEN_FOR = 2.0
"""Seconds after which a campaign counts as one of which no message waits any more; two turns, where
these are longer."""

log = structlog.get_logger()


class Uncovered(NamedTuple):
    """Times in seconds since when, and at which at last, a budget did not cover a message."""

    since: float
    seen_at: float


class UsedUpBudgets:
    """Budgets that do not cover the message that waits; times are local, in seconds.

    Their campaigns are paused by a thread of its own: many of them, or a locked one, do not hold up
    the money of others.
    """

    def __init__(self, database: Database, sender: str) -> None:
        """Take the main database, and the name of this sender for events."""
        self._database = database
        self._sender = sender
        self._lock = threading.Lock()
        self._uncovered: dict[CampaignId, Uncovered] = {}
        self._due: dict[CampaignId, Decimal] = {}
        """Cost of the message that is not covered, of the campaigns to pause."""

    def note(
        self, campaign_id: CampaignId, cost: Decimal, now: float, *, turn: float, kept_for: float
    ) -> None:
        """Note that a message of this cost is not covered; its campaign is to be paused some time.

        Args:
            campaign_id: the campaign.
            cost: what the message costs.
            now: local time.
            turn: duration of a turn.
            kept_for: seconds for which this sender keeps money that it does not need.
        """
        patience = max(PAUSED_AFTER, PAUSED_AFTER_TURNS * turn, PAUSED_AFTER_KEPT * kept_for)
        with self._lock:
            known = self._uncovered.get(campaign_id)
            is_new = known is None or now - known.seen_at > max(NOT_SEEN_FOR, 2 * turn)
            since = now if known is None or is_new else known.since
            self._uncovered[campaign_id] = Uncovered(since, now)
            if now - since >= patience:
                self._due[campaign_id] = cost

    def forget(self, campaign_id: CampaignId) -> None:
        """Forget a campaign whose message is covered, or does not wait any more."""
        with self._lock:
            self._uncovered.pop(campaign_id, None)
            self._due.pop(campaign_id, None)

    def pause_due(self, stop: threading.Event) -> None:
        """Pause the campaigns that are due, one after the other, until stopped."""
        with self._lock:
            due = dict(self._due)
        for campaign_id, cost in due.items():
            if stop.is_set():
                return
            if campaign_id in self._due:
                self._pause(campaign_id, cost)

    def _pause(self, campaign_id: CampaignId, cost: Decimal) -> None:
        """Pause a campaign, unless its budget covers a message of this cost by now.

        Where that fails, it is tried again when it has not been covered for some time again.
        """
        self.forget(campaign_id)
        try:
            with self._database.transaction() as cursor:
                is_paused = pause_without_money(cursor, campaign_id, cost, self._sender)
        except (RetryLater, DriverError) as error:
            log.warning("campaign not paused", campaign=campaign_id, error=str(error))
            return
        if is_paused:
            log.warning("campaign paused, its budget is used up", campaign=campaign_id)
