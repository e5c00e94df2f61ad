"""Rows of budgets in the database: taking and returning money of many campaigns at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

import structlog
from pymysql.cursors import Cursor
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import BudgetUse
from campaign_common.domain.limits.money_grants import WantedChange
from campaign_common.errors import (
    DatabaseContended,
    DatabaseDemoted,
    DatabaseTimeout,
    DatabaseUnavailable,
    RetryLater,
)
from campaign_common.store.core.budgets import (
    free_budgets,
    read_budgets,
    return_money,
    take_money,
    take_together,
)

AT_ONCE = 200
"""Campaigns in one statement, at most."""

Amounts = Mapping[CampaignId, Decimal]

log = structlog.get_logger()


class BudgetRows:
    """Rows of budgets as one thread of a sender uses them.

    A statement takes or returns money of many campaigns, so that a turn is as long for many as for
    one. Where it fails, each campaign has a statement of its own, and its error is its own.
    """

    def __init__(self, database: Database, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._at_once = at_once
        self._failed: set[CampaignId] = set()
        self._scarce: set[CampaignId] = set()
        """Campaigns of which too little was left the last time: no others share their statement."""

    def take(self, wanted: Mapping[CampaignId, WantedChange]) -> Iterator[Amounts]:
        """Take what is wanted, as far as it is left; yield the amounts of each statement.

        Raises:
            RetryLater: the database is down. Money that may have been taken is lost.
        """
        alone = [one for one in sorted(wanted) if one in self._scarce]
        for some in self._parts([one for one in sorted(wanted) if one not in self._scarce]):
            free, is_done = self._take_together({one: wanted[one].amount for one in some})
            if is_done:
                yield {one: wanted[one].amount for one in free}
            else:
                alone += free
        for campaign_id in alone:
            if amount := self._take_alone(campaign_id, wanted[campaign_id]):
                yield {campaign_id: amount}

    def give_back(self, amounts: Amounts) -> dict[CampaignId, Decimal]:
        """Return money; return the amounts that were provably not returned.

        Those of which the answer was lost count as returned: they are lost at worst, and never
        there twice. Goes on after an error.
        """
        left: dict[CampaignId, Decimal] = {}
        for some in self._parts(sorted(amounts)):
            together = {one: amounts[one] for one in some}
            error = self._give_back(together)
            if error is None or _is_in_doubt(error):
                continue
            if isinstance(error, DatabaseUnavailable) or len(some) == 1:
                left |= together
                self._note_failure(some, error)
                continue
            for campaign_id in some:
                own = {campaign_id: amounts[campaign_id]}
                error = self._give_back(own)
                if error is not None and not _is_in_doubt(error):
                    left |= own
                    self._note_failure(own, error)
        return left

    def read(self, campaign_ids: Collection[CampaignId]) -> dict[CampaignId, BudgetUse]:
        """Read budgets; campaigns without one are left out.

        Raises:
            RetryLater: the database is down.
        """
        if not campaign_ids:
            return {}
        with self._database.reading() as cursor:
            return read_budgets(cursor, campaign_ids)

    def take_failed(self) -> set[CampaignId]:
        """Return the campaigns whose own statement has failed since the last request."""
        failed, self._failed = self._failed, set()
        return failed

    def forget(self, campaign_id: CampaignId) -> None:
        """Forget a campaign of which nothing is held or wanted any more."""
        self._scarce.discard(campaign_id)

    def _parts(self, campaign_ids: Sequence[CampaignId]) -> Iterator[Sequence[CampaignId]]:
        n = self._at_once
        return (campaign_ids[at : at + n] for at in range(0, len(campaign_ids), n))

    def _take_together(self, amounts: Amounts) -> tuple[Collection[CampaignId], bool]:
        """Take all amounts, or none; return the campaigns that are not locked, and whether."""
        if len(amounts) < 2:
            return amounts, False
        try:
            with self._database.reading() as cursor:
                return amounts, take_together(cursor, amounts)
        except DatabaseContended as error:
            with self._database.reading() as cursor:
                free = free_budgets(cursor, amounts)
            self._note_failure(amounts.keys() - free, error)
            return free, False

    def _take_alone(self, campaign_id: CampaignId, wanted: WantedChange) -> Decimal:
        try:
            with self._database.reading() as cursor:
                taken = take_money(cursor, campaign_id, wanted.amount, wanted.least)
        except (RetryLater, DriverError) as error:
            self._note_failure([campaign_id], error)
            if isinstance(error, DatabaseUnavailable):
                raise
            return Decimal()
        if taken < wanted.amount:
            self._scarce.add(campaign_id)
        else:
            self._scarce.discard(campaign_id)
        return taken

    def _give_back(self, amounts: Amounts) -> Exception | None:
        """Return money in one statement; return its error."""
        asked: Cursor | None = None
        try:
            with self._database.reading() as cursor:
                asked = cursor
                return_money(cursor, amounts)
        except DatabaseUnavailable as error:
            if asked is not None and not isinstance(error, DatabaseDemoted):
                return _InDoubt(str(error))
            return error
        except (RetryLater, DriverError) as error:
            return error
        return None

    def _note_failure(self, campaign_ids: Collection[CampaignId], error: Exception) -> None:
        if isinstance(error, DatabaseUnavailable) and not isinstance(error, DatabaseTimeout):
            return  # it is not about the row
        for campaign_id in campaign_ids:
            log.warning("budget not leased", campaign=campaign_id, error=str(error))
            self._failed.add(campaign_id)


class _InDoubt(DatabaseUnavailable):
    """The answer to a statement was lost: it may have been executed."""


def _is_in_doubt(error: Exception) -> bool:
    return isinstance(error, _InDoubt)
