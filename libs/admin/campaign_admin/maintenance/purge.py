"""Purge: deletes campaigns that ended long ago, in small transactions.

One transaction deletes the campaign's own row, so that it is not found any more; its other rows
follow. The purge may therefore be killed at any moment: the next run completes what was begun
first.
"""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from campaign_common.database import Cursor, Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.errors import CommitUnknown
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.limits.live_limits import delete_old_events
from campaign_common.store.maintenance import campaign_cleanup, purging
from campaign_common.store.maintenance.purging import PurgedCampaign, TakenOut
from campaign_common.store.recipients.recipient_lists import give_up_list, lists_of_purged
from campaign_common.store.webhooks.webhook_changes import delete_old_changes

PAGE = 100
"""Campaigns or lists that are looked for at a time."""

SAY_EVERY = 5.0
"""Seconds between two words about one campaign."""

REPETITIONS = 3
"""Times that a step is repeated whose COMMIT was not answered."""

EVENTS, FACTS = campaign_cleanup.STRAYS

T = TypeVar("T")

DeleteSome = Callable[[Cursor, CampaignId, int], int]
"""Deletes up to so many rows of a campaign, and returns how many went."""


class Terms(NamedTuple):
    """The terms of a purge: `rows` in a transaction, `pause` seconds after each."""

    older_than: int
    """Seconds since a campaign was over."""
    actor: str
    lists: bool = False
    """Delete the lists, too, that only purged campaigns have used."""
    rows: int = 2_000
    pause: float = 0.0


class Purged(NamedTuple):
    """The numbers of what was deleted, and of campaigns that were kept for an open command."""

    campaigns: int
    rows: int
    lists: int
    strays: int
    held: int


class Stopped(Exception):
    """Somebody wants the purge to end; the next one goes on."""


class Purge:
    """One run; `say` gets a line about each thing that was done."""

    def __init__(
        self, databases: Databases, terms: Terms, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._databases = databases
        self._terms = terms
        self._stop = stop
        self._say = say
        self._campaigns = self._rows = self._lists = self._strays = self._held = 0
        self._said_at = 0.0

    @property
    def purged(self) -> Purged:
        """Return the numbers of what was deleted so far."""
        return Purged(self._campaigns, self._rows, self._lists, self._strays, self._held)

    def run(self) -> None:
        """End what was begun, then purge what is old enough; again does nothing.

        Raises:
            Stopped: `stop` was set.
            RetryLater: a database is away; the next run goes on.
        """
        self._empty_begun()
        self._purge_old()
        if self._terms.lists:
            self._give_up_lists()
        self._forget_strays(self._databases.main, EVENTS)
        self._forget_provider_events()
        for database in self._databases.all:
            self._forget_strays(database, FACTS)
            self._forget_costs(database)

    def _purge_old(self) -> None:
        after_id = 0
        while True:
            with self._databases.reading() as cursors:
                page = purging.old_campaigns(
                    cursors, self._terms.older_than, after_id=after_id, limit=PAGE
                )
            for campaign in page:
                after_id = campaign.id
                self._take_out(campaign.id)
                self._empty_begun()
            if len(page) < PAGE:
                return

    def _take_out(self, campaign_id: CampaignId) -> None:
        def take_out(cursor: Cursor) -> TakenOut:
            with self._databases.reading(cursor) as cursors:
                return purging.take_out(
                    cursors, campaign_id, self._terms.older_than, self._terms.actor
                )

        result = self._step(take_out)
        if result is TakenOut.HELD:
            self._held += 1
            self._say(f"campaign {campaign_id} is skipped: shard commands of it are pending")

    def _empty_begun(self) -> None:
        while True:
            with self._databases.main.reading() as cursor:
                begun = purging.unfinished_purges(cursor, PAGE)
            if not begun:
                return
            for campaign in begun:
                self._empty(campaign)

    def _empty(self, campaign: PurgedCampaign) -> None:
        before, self._said_at = self._rows, time.monotonic()
        for database, held in self._databases.shares(range(campaign.shards)):
            self._rows += self._step(
                partial(campaign_cleanup.delete_receipt_counters, campaign_id=campaign.id), database
            )
            for table in campaign_cleanup.tables_by_seq(held):
                for rows in self._slices(database, table, campaign.id):
                    self._rows += rows
                    self._say_progress(campaign, before)
            self._delete_all(campaign_cleanup.delete_requests, campaign, database)
            self._rows += self._step(
                partial(campaign_cleanup.delete_counters, campaign_id=campaign.id), database
            )
        for delete in (
            campaign_cleanup.delete_events,
            campaign_cleanup.delete_samples,
            campaign_cleanup.delete_kept_samples,
        ):
            self._delete_all(delete, campaign, self._databases.main)
        self._step(partial(purging.note_emptied, campaign_id=campaign.id))
        self._campaigns += 1
        self._say(f"campaign {campaign.id} is purged: {self._rows - before:,} rows")

    def _slices(self, database: Database, table: str, campaign_id: CampaignId) -> Iterator[int]:
        """Delete a campaign's rows of a table; yield how many went with each slice."""
        reached: int | None = 0
        while reached is not None:
            deleted = self._step(
                partial(
                    campaign_cleanup.delete_by_seq,
                    table=table,
                    campaign_id=campaign_id,
                    after_seq=reached,
                    limit=self._terms.rows,
                ),
                database,
            )
            reached = deleted.reached
            yield deleted.rows

    def _say_progress(self, campaign: PurgedCampaign, before: int) -> None:
        if time.monotonic() - self._said_at >= SAY_EVERY:
            self._said_at = time.monotonic()
            done = self._rows - before
            self._say(f"campaign {campaign.id}: {done:,} of about {campaign.rows:,} rows")

    def _give_up_lists(self) -> None:
        after_id = 0
        while True:
            with self._databases.main.reading() as cursor:
                list_ids = lists_of_purged(cursor, after_id=after_id, limit=PAGE)
            for list_id in list_ids:
                after_id = list_id
                if self._step(partial(give_up_list, list_id=list_id)):
                    self._lists += 1
                    self._say(f"recipient list {list_id} is given up")
            if len(list_ids) < PAGE:
                return

    def _forget_strays(self, database: Database, table: str) -> None:
        after_id = 0
        while True:
            with database.reading() as cursor:
                last = campaign_cleanup.end_of_page(
                    cursor, table, after_id=after_id, limit=self._terms.rows
                )
                if last is None:
                    return
                ids = range(after_id + 1, last + 1)
                old = campaign_cleanup.old_rows(cursor, table, ids, self._terms.older_than)
            # No campaign gets an id that an older one had.
            with self._databases.main.reading() as cursor:
                present = which_are_present(cursor, set(old.values()))
            strays = [id_ for id_, campaign_id in old.items() if campaign_id not in present]
            self._strays += self._step(
                partial(campaign_cleanup.delete_strays, table=table, strays=strays), database
            )
            after_id = last

    def _forget_provider_events(self) -> None:
        """Delete changes of limits and webhooks that are as old as campaigns that are purged."""
        older_than, limit = self._terms.older_than, self._terms.rows
        for delete_old in (delete_old_events, delete_old_changes):
            delete = partial(delete_old, older_than=older_than, limit=limit)
            while self._step(delete) == limit:
                pass

    def _forget_costs(self, database: Database) -> None:
        """Delete what versions that do not know of it leave of campaigns, and late receipts."""
        after_id = CampaignId(0)
        while True:
            with database.reading() as cursor:
                ids = campaign_cleanup.campaigns_with_costs(cursor, after_id, PAGE)
            if not ids:
                return
            with self._databases.main.reading() as cursor:
                gone = sorted(set(ids) - which_are_present(cursor, ids))
            for campaign_id in gone:
                self._forget_receipts(database, campaign_id)
                self._strays += self._step(
                    partial(campaign_cleanup.delete_costs, campaign_id=campaign_id), database
                )
                self._strays += sum(
                    self._parts(campaign_cleanup.delete_kept_samples, campaign_id, database)
                )
            after_id = ids[-1]

    def _forget_receipts(self, database: Database, campaign_id: CampaignId) -> None:
        """Delete receipts that came while their campaign was purged, and their counters.

        Twice: another one may come before the counters are gone, by which they are found.
        """
        with database.reading() as cursor:
            tables = campaign_cleanup.tables_of_receipts(cursor, campaign_id)
        for delete_counters in (True, False):
            for table in tables:
                self._strays += sum(self._slices(database, table, campaign_id))
            if delete_counters:
                self._strays += self._step(
                    partial(campaign_cleanup.delete_receipt_counters, campaign_id=campaign_id),
                    database,
                )

    def _delete_all(self, delete: DeleteSome, campaign: PurgedCampaign, database: Database) -> None:
        for rows in self._parts(delete, campaign.id, database):
            self._rows += rows

    def _parts(
        self, delete: DeleteSome, campaign_id: CampaignId, database: Database
    ) -> Iterator[int]:
        """Delete until nothing is left; yield how many rows went with each transaction."""
        while deleted := self._step(
            lambda cursor: delete(cursor, campaign_id, self._terms.rows), database
        ):
            yield deleted

    def _step(self, work: Callable[[Cursor], T], database: Database | None = None) -> T:
        """Run one transaction, on the main server unless told, and leave others time after it."""
        if self._stop.is_set():
            raise Stopped
        result = _repeated(database or self._databases.main, work)
        self._stop.wait(self._terms.pause)
        return result


def _repeated(database: Database, work: Callable[[Cursor], T]) -> T:
    """Every step may be done twice, so one whose COMMIT was not answered is."""
    for _ in range(REPETITIONS):
        try:
            return database.run(work)
        except CommitUnknown:
            continue
    return database.run(work)
