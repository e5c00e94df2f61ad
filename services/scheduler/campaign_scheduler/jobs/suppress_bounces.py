"""Job that suppresses people whose number takes no messages, after hard bounces."""

from datetime import datetime, timedelta
from enum import Enum
from functools import partial

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.message import MessageKey, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.suppressions.hard_bounces import (
    BOUNCE,
    HardBounces,
    SentMessage,
    reason_of,
)
from campaign_common.errors import DatabaseTimeout, DatabaseUnavailable
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.receipts.bounced_receipts import (
    TakenBounces,
    forget_bounces,
    look_later,
    take_bounces,
)
from campaign_common.store.receipts.receipt_rows import ReceiptPlace
from campaign_common.store.recipients.recipient_history import HistoryEntry, messages_of
from campaign_common.store.suppressions.bounced_people import (
    people_of,
    suppress_bounced,
    suppressed_before,
)
from campaign_common.store.suppressions.suppressions import Suppression, require_in_reach
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.metrics import BOUNCES_SUPPRESSED

BOUNCE_INTERVAL = 1.0
"""Seconds between two looks."""

BATCH = 100
"""Messages that are taken at a time."""

LOOK_LEASE = 60.0
"""Seconds after which a message is looked at again that has no outcome yet, or whose scheduler is
gone."""

WAIT_OF_UNKNOWN = 600.0
"""Seconds after which a message is looked at again that is `unknown`: it may stay so."""

UNKNOWN_FOR = timedelta(days=1)
"""Time after its outcome for which one that is `unknown` is looked at: the owner of a shard uses
receipts within seconds. A later report lists the message again."""

MOST_MESSAGES = 100
"""Messages of a person that are read, those of the newest campaigns."""

ACTOR = "scheduler"
"""Stands for the person who makes a change."""

AFTER_ALL_CAMPAIGNS = datetime(9999, 1, 1), CampaignId(2**63 - 1)  # noqa: DTZ001 - as stored
"""Later than every campaign."""

_log = structlog.get_logger()


class _Decision(Enum):
    """The decision of a look at a message."""

    DONE = "done"
    """It needs no other look."""
    EARLY = "early"
    """It has no outcome yet."""
    UNKNOWN = "unknown"
    """Its receipt may prove that it was sent: the owner of its shard records that."""


class BounceSuppressor:
    """Job that looks at the people of messages that were not delivered.

    It counts from what is stored of their messages, and keeps no count. Any number of schedulers
    may look at once: each takes what no other one has. One that is killed leaves what it has taken
    to the others. `shards`: those of campaigns that start now. `longest`: seconds of the longest
    transaction.
    """

    def __init__(
        self,
        databases: Databases,
        availability: ServerAvailability,
        bounces: HardBounces | None,
        *,
        shards: int,
        longest: float,
    ) -> None:
        self._databases = databases
        self._availability = availability
        self._bounces = bounces
        self._shards = shards
        self._longest = longest

    def look(self) -> None:
        """Look at what is due on every server; nothing is where hard bounces do not matter.

        Raises:
            RetryLater: a database is down; the next look goes on.
        """
        if self._bounces is None:
            return
        for database in self._databases.all:
            while self._look_on(database, self._bounces):
                pass

    def _look_on(self, database: Database, bounces: HardBounces) -> bool:
        """Look at one batch; return whether there may be more."""
        if self._availability.is_down(database):
            return False
        try:
            taken = database.run(partial(take_bounces, limit=BATCH, lease=LOOK_LEASE))
        except DatabaseUnavailable as error:
            self._availability.mark_down(database, error)
            return False
        keys = {MessageKey(place.campaign_id, place.seq): place for place in taken.places}
        with self._databases.main.reading() as cursor:
            people = people_of(cursor, keys)
        unknown_since = _moment_of(taken) - UNKNOWN_FOR
        decided: dict[_Decision, list[ReceiptPlace]] = {one: [] for one in _Decision}
        for key, place in keys.items():
            is_there = key in people
            one = _Decision.DONE
            if is_there:
                one = self._decide(bounces, key, people[key], unknown_since)
            decided[one].append(place)

        def write(cursor: Cursor) -> None:
            forget_bounces(cursor, taken, decided[_Decision.DONE])
            look_later(cursor, taken, decided[_Decision.UNKNOWN], WAIT_OF_UNKNOWN)

        database.run(write)
        return len(taken.places) == BATCH

    def _decide(
        self, bounces: HardBounces, key: MessageKey, phone: str, unknown_since: datetime
    ) -> _Decision:
        """Suppress the person of a message if that follows.

        One that is `unknown` since before `unknown_since` stays so: it is not looked at any more.
        """
        with self._databases.reading() as cursors:
            history = messages_of(cursors, phone, self._shards, AFTER_ALL_CAMPAIGNS, MOST_MESSAGES)
            reported = next((one for one in history if one.campaign_id == key.campaign_id), None)
            if reported is None:
                return _Decision.DONE
            message = _message(reported)
            if message is None or message.status is Status.WAITING:
                runs = reported.state in (CampaignState.RUNNING, CampaignState.PAUSED)
                return _Decision.EARLY if runs else _Decision.DONE
            if message.status is Status.UNKNOWN:
                return _Decision.UNKNOWN if message.at > unknown_since else _Decision.DONE
            scope = bounces.scope(message.provider)
            before = suppressed_before(cursors.main, phone, scope)
        messages = [one for one in map(_message, history) if one is not None]
        if (
            not before.in_force
            and bounces.is_one(message.provider, message.rank, message.code)
            and bounces.is_reached(messages, message.provider, before.since)
        ):
            note = (
                f"{bounces.after} not delivered in a row, the last one of campaign"
                f" {key.campaign_id} with code {message.code}"
            )
            suppression = Suppression(phone, scope, reason_of(message.code), BOUNCE, note=note)
            if self._suppress(key, suppression, bounces.lasts):
                BOUNCES_SUPPRESSED.inc()
                _log.info(
                    "suppressed after hard bounces",
                    campaign=key.campaign_id,
                    seq=key.seq,
                    scope=scope,
                    code=message.code,
                )
        return _Decision.DONE

    def _suppress(self, key: MessageKey, suppression: Suppression, lasts: float | None) -> bool:
        """Suppress a person; return whether that took effect."""

        def write(cursor: Cursor, *, again: bool = False) -> bool:
            return suppress_bounced(cursor, key, suppression, lasts, ACTOR, again=again)

        began = boot_time()
        took_effect = self._databases.main.run(write)
        if took_effect:
            try:
                require_in_reach(began, self._longest)
            except DatabaseTimeout:
                self._databases.main.run(partial(write, again=True))
        return took_effect


def _moment_of(taken: TakenBounces) -> datetime:
    """Return the time of the database at which messages were taken."""
    return (
        AFTER_ALL_CAMPAIGNS[0]
        if taken.until is None
        else taken.until - timedelta(seconds=LOOK_LEASE)
    )


def _message(one: HistoryEntry) -> SentMessage | None:
    outcome = one.outcome
    if outcome is None:
        return None
    receipt = outcome.receipt
    rank = receipt.rank if receipt and isinstance(receipt.rank, ReceiptRank) else ReceiptRank.NONE
    code = receipt.code if receipt else None
    return SentMessage(outcome.at, outcome.status, outcome.provider or one.provider, rank, code)
