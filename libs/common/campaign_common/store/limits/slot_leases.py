"""provider_slots and provider_demand: the slots of a provider, and what senders want of them.

Every statement but the taking of spare grants stands alone: a slot is planned by who inserts it
first, and its shares never change. The rate of a campaign has slots as a provider has, under the
name that `slots_of` gives it.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.planning import (
    BLANK_SLOTS,
    StoredSlot,
    slot_at,
    spare_range,
)
from campaign_common.domain.limits.slots import SlotPlan

DEMAND_LASTS = 4.0
"""Seconds after which a sender that is silent has no share of the next slot."""

SWEPT_AFTER = 60
"""Seconds for which slots, and the demand of senders that have gone, are kept."""

_SERVER = "CONCAT_WS('/', @@hostname, @@port, @@server_id)"

_MOMENT = "UNIX_TIMESTAMP(NOW(6))"

STATE_DEMAND = """
INSERT INTO provider_demand (provider, sender, wanted, at) VALUES (%s, %s, %s, NOW(6))
ON DUPLICATE KEY UPDATE wanted = VALUES(wanted), at = VALUES(at)
"""

# One row at least, so that time and server are read where no slot is.
SELECT_SLOTS = f"""
SELECT {_MOMENT}, {_SERVER}, s.slot, s.quota, s.per_second, IF(s.slot > %s, s.shares, NULL),
       s.spare_taken, s.server
FROM (SELECT 1) one
LEFT JOIN provider_slots s ON s.provider = %s AND s.slot > FLOOR({_MOMENT}) - {BLANK_SLOTS}
ORDER BY s.slot
"""

SELECT_DEMAND = f"""
SELECT sender, wanted FROM provider_demand
WHERE provider = %s AND at > NOW(6) - INTERVAL {round(DEMAND_LASTS * 1e6)} MICROSECOND
"""

# Not once the slot has begun, however long the statement was on its way.
INSERT_SLOT = f"""
INSERT IGNORE INTO provider_slots (provider, slot, quota, per_second, shares, server)
SELECT %s, %s, %s, %s, %s, %s FROM (SELECT 1) one WHERE {_MOMENT} < %s
"""

LOCK_SLOT = f"""
SELECT {_MOMENT}, {_SERVER}, slot, quota, per_second, shares, spare_taken, server
FROM provider_slots WHERE provider = %s AND slot = %s FOR UPDATE
"""

TAKE_SPARE = "UPDATE provider_slots SET spare_taken = %s WHERE provider = %s AND slot = %s"

SWEEP_SLOTS = "DELETE FROM provider_slots WHERE provider = %s AND slot < %s"

SWEEP_DEMAND = f"""
DELETE FROM provider_demand WHERE provider = %s AND at < NOW(6) - INTERVAL {SWEPT_AFTER} SECOND
"""

SWEEP_ALL_SLOTS = f"DELETE FROM provider_slots WHERE slot < FLOOR({_MOMENT}) - {SWEPT_AFTER}"

SWEEP_ALL_DEMAND = f"""
DELETE FROM provider_demand WHERE at < NOW(6) - INTERVAL {SWEPT_AFTER} SECOND
"""

DELETE_AHEAD = f"""
DELETE FROM provider_slots WHERE provider = %s AND slot > FLOOR({_MOMENT}) + 1
"""

FORGET_DEMAND = "DELETE FROM provider_demand WHERE sender = %s"


class SlotsRead(NamedTuple):
    """Slots of a provider from two before the present one on, with the server's time and name."""

    moment: float
    """Seconds since 1970."""
    server: str
    stored: Sequence[StoredSlot]


def state_demand(cursor: Cursor, provider: str, sender: str, wanted: int) -> None:
    """State how many units a sender wants in the next slot."""
    cursor.execute(STATE_DEMAND, (provider, sender, wanted))


def forget_demand(cursor: Cursor, sender: str) -> None:
    """Delete what a sender wants of any provider."""
    cursor.execute(FORGET_DEMAND, (sender,))


def read_slots(cursor: Cursor, provider: str, *, shares_after: int = 0) -> SlotsRead:
    """Read the slots of a provider and the server's time, in one statement.

    The shares of slots up to `shares_after` are left out.
    """
    cursor.execute(SELECT_SLOTS, (shares_after, provider))
    rows = cursor.fetchall()
    moment, server = float(rows[0][0]), str(rows[0][1])
    return SlotsRead(moment, server, [_stored(row[2:]) for row in rows if row[2] is not None])


def read_demand(cursor: Cursor, provider: str) -> Mapping[str, int]:
    """Read what each sender wants that has said so within a few seconds."""
    cursor.execute(SELECT_DEMAND, (provider,))
    return dict(cursor.fetchall())


def insert_slot(cursor: Cursor, provider: str, planned: StoredSlot) -> bool:
    """Insert a slot before it begins; False where another sender has planned it, or too late."""
    plan = planned.plan
    shares = json.dumps(plan.shares)
    return bool(
        cursor.execute(
            INSERT_SLOT,
            (
                provider,
                plan.slot,
                plan.quota,
                plan.per_second,
                shares,
                planned.server,
                plan.slot,
            ),
        )
    )


def take_spare(cursor: Cursor, provider: str, slot: int, wanted: int) -> range:
    """Take spare grants of the running slot, in a transaction; return their indices."""
    cursor.execute(LOCK_SLOT, (provider, slot))
    row = cursor.fetchone()
    if row is None or str(row[1]) != row[7]:
        return range(0)
    taken = spare_range(_stored(row[2:]), float(row[0]), wanted)
    if taken:
        cursor.execute(TAKE_SPARE, (taken.stop, provider, slot))
    return taken


def sweep_slots(cursor: Cursor, provider: str, moment: float) -> None:
    """Delete slots that are over, and the demand of senders that have gone."""
    cursor.execute(SWEEP_SLOTS, (provider, slot_at(moment) - SWEPT_AFTER))
    cursor.execute(SWEEP_DEMAND, (provider,))


def sweep_all(cursor: Cursor) -> None:
    """Delete what `sweep_slots` does, of providers and campaigns that no sender sends for, too."""
    cursor.execute(SWEEP_ALL_SLOTS)
    cursor.execute(SWEEP_ALL_DEMAND)


def delete_ahead(cursor: Cursor, provider: str) -> None:
    """Delete slots that lie ahead of the server's clock, which has gone back."""
    cursor.execute(DELETE_AHEAD, (provider,))


def _stored(columns: Sequence[object]) -> StoredSlot:
    slot, quota, per_second, shares, spare_taken, server = columns
    plan = SlotPlan(
        int(str(slot)),
        int(str(quota)),
        Decimal(str(per_second)),
        {} if shares is None else json.loads(str(shares)),
    )
    return StoredSlot(plan, int(str(spare_taken)), str(server))
