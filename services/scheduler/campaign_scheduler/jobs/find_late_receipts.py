"""Job that notes which receipts did not come in the time of their provider."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.receipts.late_receipts import (
    AwaitedReceipt,
    LookedAtCampaign,
    TakenLook,
    awaited_receipts,
    enroll,
    enroll_running,
    forget_look,
    look_later,
    note_late,
    read_looked_at,
    take_look,
)
from campaign_scheduler.availability import ServerAvailability

ENROLL_INTERVAL = 10.0
"""Seconds between two looks for campaigns that have started."""

STEP_RECIPIENTS = 20_000
"""Recipients of a campaign that are looked at in one step."""

BATCH = 1_000
"""Receipts of one transaction."""

STEP_LEASE = 60.0
"""Seconds after which another scheduler begins with the campaign of one that is gone."""

STEPS = 20
"""Looks within the time of a receipt, at most: what did not come is noted 1/20 of it late."""

SHARE = 50
"""The time between two looks at a campaign, in multiples of what a look takes."""


@dataclass
class _Look:
    """A look at all messages of a campaign."""

    campaign: LookedAtCampaign
    taken: TakenLook
    began: float
    renewed: float
    next_due: float | None = None
    """Seconds until the first of the times that are not over."""
    is_complete: bool = True

    def await_(self, seconds: float) -> None:
        self.next_due = seconds if self.next_due is None else min(self.next_due, seconds)


class LateReceiptFinder:
    """Job that looks at the ledgers of campaigns, from the first time that is over to the last.

    `timeouts`: by provider, the seconds from its acceptance of a message to a final receipt.
    Any number of schedulers may look; each campaign is looked at by one.
    """

    def __init__(
        self,
        databases: Databases,
        availability: ServerAvailability,
        timeouts: Mapping[str, float],
        routes: Routes,
        stopping: threading.Event,
    ) -> None:
        self._databases = databases
        self._availability = availability
        self._timeouts = timeouts
        self._routes = routes
        self._after = {
            name: min(self._timeouts_of(name))
            for name in (*timeouts, *routes)
            if routes.providers(name) & timeouts.keys()
        }
        """Seconds to the first look, by the providers and routes whose campaigns are looked at."""
        self._stopping = stopping

    def enroll(self, cursor: Cursor, ids: Sequence[CampaignId]) -> None:
        """Have campaigns looked at that start or finish with this transaction.

        So they are, however short they were.
        """
        enroll(cursor, ids, self._after)

    def look(self) -> None:
        """Look at the campaigns that it is time for.

        Raises:
            RetryLater: the main server is down, or another one fails.
        """
        if not self._after:
            return
        main = self._databases.main
        main.run(partial(enroll_running, after=self._after))
        while not self._stopping.is_set():
            taken = main.run(partial(take_look, lease=STEP_LEASE))
            if taken is None:
                return
            self._look_at(taken)

    def _timeouts_of(self, name: str) -> list[float]:
        """Return the times of a provider, or of those of a route; all, if it has none any more."""
        of_own = self._routes.providers(name) & self._timeouts.keys()
        return [self._timeouts[one] for one in of_own or self._timeouts]

    def _look_at(self, taken: TakenLook) -> None:
        with self._databases.main.reading() as cursor:
            campaign = read_looked_at(cursor, taken.campaign_id)
        if campaign is None:
            self._databases.main.run(partial(forget_look, taken=taken))
            return
        now = monotonic()
        look = _Look(campaign, taken, now, now)
        for first in range(1, campaign.last_seq + 1, STEP_RECIPIENTS):
            if self._stopping.is_set():
                return
            if not self._renew(look):
                return
            seqs = range(first, min(first + STEP_RECIPIENTS, campaign.last_seq + 1))
            for database, shards in self._databases.holding(range(campaign.shards)):
                for shard in shards:
                    self._look_at_shard(look, database, shard, seqs)
        self._end(look)

    def _renew(self, look: _Look) -> bool:
        """Keep others from a campaign; return False if its look has to begin again."""
        now = monotonic()
        if now - look.renewed > STEP_LEASE / 3:
            taken = self._look_later(look, STEP_LEASE)
            if taken is None:
                return False
            look.renewed, look.taken = now, taken
        return True

    def _look_at_shard(self, look: _Look, database: Database, shard: int, seqs: range) -> None:
        campaign = look.campaign
        read = partial(awaited_receipts, shard=shard, campaign_id=campaign.id, seqs=seqs)
        awaited = self._availability.query(database, read)
        if awaited is None:
            look.is_complete = False
            return
        late = self._late(look, awaited)
        for start in range(0, len(late), BATCH):
            some = late[start : start + BATCH]
            note = partial(
                note_late, shard=shard, campaign_id=campaign.id, seqs=some, named=campaign.provider
            )
            try:
                database.run(note)
            except DatabaseUnavailable as error:
                self._availability.mark_down(database, error)
                look.is_complete = False
                return

    def _late(self, look: _Look, awaited: Sequence[AwaitedReceipt]) -> list[int]:
        """Return the messages whose time is over, and note when that of the others will be."""
        late = []
        for seq, provider, age in awaited:
            timeout = self._timeouts.get(provider or look.campaign.provider)
            if timeout is None:
                continue
            if age >= timeout:
                late.append(seq)
            else:
                look.await_(timeout - age)
        return late

    def _end(self, look: _Look) -> None:
        campaign = look.campaign
        timeouts = self._timeouts_of(campaign.provider)
        shortest, longest = min(timeouts), max(timeouts)
        pause = max(shortest / STEPS, SHARE * (monotonic() - look.began), 1.0)
        if not campaign.is_ended:
            look.await_(shortest)  # that of what is sent from now on
        if not look.is_complete:
            self._look_later(look, pause)
        elif look.next_due is not None:
            self._look_later(look, max(pause, look.next_due))
        elif campaign.ended_for < longest:
            self._look_later(look, max(pause, longest - campaign.ended_for))
        else:
            self._databases.main.run(partial(forget_look, taken=look.taken))

    def _look_later(self, look: _Look, seconds: float) -> TakenLook | None:
        return self._databases.main.run(partial(look_later, taken=look.taken, seconds=seconds))
