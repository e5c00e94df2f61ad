"""Rows of budgets in the database: taking and returning money of many campaigns at once."""

from bisect import bisect_right
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
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

BUDGETS_AT_ONCE = 200
"""Campaigns in one statement, at most."""

SINGLY = 4
"""Campaigns in one turn that have a statement of their own, at most."""

Amounts = Mapping[CampaignId, Decimal]

log = structlog.get_logger()


class BudgetRows:
    """Rows of budgets as one thread of a sender uses them.

    A statement takes or returns money of many campaigns, so that a turn is as long for many as for
    one, also where many budgets come to their end together.
    """

    def __init__(self, database: Database, *, only_free: bool = False) -> None:
        """Take the main database.

        Args:
            database: the main one.
            only_free: take from rows only that others have not locked, without a wait.
        """
        self._database = database
        self._only_free = only_free
        self._failed: set[CampaignId] = set()
        self._scarce: set[CampaignId] = set()
        """Campaigns of which too little was left the last time: their budgets are read first."""
        self._last_alone = 0

    def take(self, wanted: Mapping[CampaignId, WantedChange]) -> Iterator[Amounts]:
        """Take what is wanted, as far as it is left; yield the amounts of each statement.

        Where others take from scarce budgets at the same time, some are left to later turns.

        Raises:
            RetryLater: the database is down. Money that may have been taken is lost.
        """
        campaign_ids = sorted(wanted)
        if self._only_free:
            locked = self._locked(campaign_ids)
            self._failed |= locked
            campaign_ids = [one for one in campaign_ids if one not in locked]
        unsure = [one for one in campaign_ids if one in self._scarce]
        alone: list[CampaignId] = []
        for some in _parts([one for one in campaign_ids if one not in self._scarce]):
            if len(some) == 1:
                alone += some
                continue
            amounts = {one: wanted[one].amount for one in some}
            free, is_taken = self._take_together(amounts)
            if is_taken:
                yield amounts
            else:
                unsure += free
        for some in _parts(unsure):
            if len(some) == 1:
                alone += some
                continue
            left = yield from self._take_what_is_left({one: wanted[one] for one in some})
            alone += left
        yield from self._take_alone(alone, wanted)

    def give_back(self, amounts: Amounts, *, waits: bool = False) -> dict[CampaignId, Decimal]:
        """Return money; return the amounts that were provably not returned.

        Those of which the answer was lost count as returned: they are lost at worst, and never
        there twice. Goes on after an error. `waits`: for rows that others have locked, too.
        """
        left: dict[CampaignId, Decimal] = {}
        for some in _parts(sorted(amounts)):
            part = {one: amounts[one] for one in some}
            error = self._give_back(part) if waits else None
            if waits and not isinstance(error, DatabaseContended):
                is_done = error is None or _is_in_doubt(error)
                left |= {} if is_done else part
                continue
            try:
                locked = self._locked(some)
            except (RetryLater, DriverError):
                left |= part
                continue
            self._failed |= locked
            left |= {one: amounts[one] for one in locked}
            free = {one: amounts[one] for one in some if one not in locked}
            error = self._give_back(free)
            if error is not None and not _is_in_doubt(error):
                self._note_failure(free, error)
                left |= free
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
        """Return the campaigns that failed or were locked since the last request."""
        failed, self._failed = self._failed, set()
        return failed

    def forget(self, campaign_id: CampaignId) -> None:
        """Forget a campaign of which nothing is held or wanted any more."""
        self._scarce.discard(campaign_id)

    def _locked(self, campaign_ids: Collection[CampaignId]) -> set[CampaignId]:
        """Return the campaigns whose budgets others have locked now; without a wait."""
        if not campaign_ids:
            return set()
        with self._database.reading() as cursor:
            others = set(campaign_ids) - free_budgets(cursor, campaign_ids)
            return set(read_budgets(cursor, others))

    def _take_together(self, amounts: Amounts) -> tuple[Collection[CampaignId], bool]:
        """Take all amounts, or none; return the campaigns that are not locked, and whether."""
        try:
            with self._database.reading() as cursor:
                return amounts.keys(), take_together(cursor, amounts)
        except DatabaseContended as error:
            locked = self._locked(amounts)
            self._note_failure(locked, error)
            return amounts.keys() - locked, False

    def _take_what_is_left(
        self, wanted: Mapping[CampaignId, WantedChange]
    ) -> Generator[Amounts, None, Collection[CampaignId]]:
        """Take what budgets are read to cover; return the campaigns that are to be asked alone."""
        budgets = self.read(wanted)
        granted = {
            one: change.granted(budgets[one].left if one in budgets else Decimal())
            for one, change in wanted.items()
        }
        for one, change in wanted.items():
            self._note_scarce(one, is_scarce=granted[one] < change.amount)
        some = {one: amount for one, amount in granted.items() if amount}
        ample = {one: amount for one, amount in some.items() if one not in self._scarce}
        for amounts in (some, ample) if len(ample) < len(some) else (some,):
            if not amounts:
                break
            free, is_taken = self._take_together(amounts)
            if is_taken:
                yield amounts
                return some.keys() - amounts.keys()
            if len(free) < len(amounts):
                return ()
        return some.keys()

    def _take_alone(
        self, campaign_ids: Collection[CampaignId], wanted: Mapping[CampaignId, WantedChange]
    ) -> Iterator[Amounts]:
        """Take from one budget after the other; of many, from the next few in each turn."""
        ids = sorted(campaign_ids)
        start = bisect_right(ids, self._last_alone)
        for campaign_id in [*ids[start:], *ids[:start]][:SINGLY]:
            self._last_alone = campaign_id
            change = wanted[campaign_id]
            try:
                with self._database.reading() as cursor:
                    taken = take_money(cursor, campaign_id, change.amount, change.least)
            except (RetryLater, DriverError) as error:
                self._note_failure([campaign_id], error)
                if isinstance(error, DatabaseUnavailable):
                    raise
                return
            self._note_scarce(campaign_id, is_scarce=taken < change.amount)
            if taken:
                yield {campaign_id: taken}

    def _note_scarce(self, campaign_id: CampaignId, *, is_scarce: bool) -> None:
        if is_scarce:
            self._scarce.add(campaign_id)
        else:
            self._scarce.discard(campaign_id)

    def _give_back(self, amounts: Amounts) -> Exception | None:
        """Return money in one statement; return its error."""
        if not amounts:
            return None
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


def _parts(campaign_ids: Sequence[CampaignId]) -> Iterator[Sequence[CampaignId]]:
    starts = range(0, len(campaign_ids), BUDGETS_AT_ONCE)
    return (campaign_ids[at : at + BUDGETS_AT_ONCE] for at in starts)


class _InDoubt(DatabaseUnavailable):
    """The answer to a statement was lost: it may have been executed."""


def _is_in_doubt(error: Exception) -> bool:
    return isinstance(error, _InDoubt)
