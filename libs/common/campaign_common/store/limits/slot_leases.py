"""provider_slots and provider_demand: the slots of a provider, and what senders want of them.

Every statement stands alone, so that no lock outlives it, and a sender that is stopped holds none.
A slot is planned by the sender that inserts it first, and its shares never change. The rate of a
campaign has slots as a provider has, under the name that `slots_of` gives it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.planning import (
    BLANK_SLOTS,
    StoredSlot,
    slot_at,
)
from campaign_common.domain.limits.slots import Block, SlotDemand, SlotPlan
from campaign_common.store.limits.live_limits import SAME_VERSION
from campaign_common.store.limits.server_time import MOMENT, SERVER

DEMAND_LASTS = 5.0
"""Seconds after which a sender that is silent has no share of the next slot."""

SWEPT_AFTER = 60
"""Seconds for which slots, and the demand of senders that have gone, are kept."""

STATE_DEMAND = """
INSERT INTO provider_demand (provider, sender, wanted, cost, at) VALUES (%s, %s, %s, %s, NOW(6))
ON DUPLICATE KEY UPDATE wanted = VALUES(wanted), cost = VALUES(cost), at = VALUES(at)
"""

# One statement, so that a slot is planned one round trip after it was found missing. One row of the
# first part at least, so that time and server are read where no slot is. What is wanted is read
# where the next slot is not planned.
SELECT_SLOTS = f"""
SELECT {MOMENT}, {SERVER}, s.slot, s.quota, s.per_second,
       IF(s.slot > %(shares_after)s, s.shares, NULL), s.spare_taken, s.server, NULL, NULL, NULL
FROM (SELECT 1) one
LEFT JOIN provider_slots s
  ON s.provider = %(provider)s AND s.slot > FLOOR({MOMENT}) - {BLANK_SLOTS}
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.sender, d.wanted, d.cost
FROM provider_demand d
WHERE d.provider = %(provider)s
  AND d.at > NOW(6) - INTERVAL {round(DEMAND_LASTS * 1e6)} MICROSECOND
  AND NOT EXISTS (
    SELECT 1 FROM provider_slots n WHERE n.provider = %(provider)s AND n.slot > FLOOR({MOMENT}))
"""

# Not once the slot has begun, however long the statement was on its way, nor by limits that were
# replaced since they were read.
INSERT_SLOT = f"""
INSERT IGNORE INTO provider_slots (provider, slot, quota, per_second, shares, server)
SELECT %s, %s, %s, %s, %s, %s FROM (SELECT 1) one
WHERE {MOMENT} < %s AND {SAME_VERSION}
"""

# The driver reports the value of LAST_INSERT_ID: what was taken before.
TAKE_SPARE = f"""
UPDATE provider_slots
SET spare_taken = LEAST(LAST_INSERT_ID(GREATEST(spare_taken, %(first)s)) + %(wanted)s, %(last)s)
WHERE provider = %(provider)s AND slot = %(slot)s AND spare_taken < %(last)s
  AND server = {SERVER} AND FLOOR({MOMENT}) = %(slot)s
"""

SWEEP_SLOTS = "DELETE FROM provider_slots WHERE provider = %s AND slot < %s"

SWEEP_DEMAND = f"""
DELETE FROM provider_demand WHERE provider = %s AND at < NOW(6) - INTERVAL {SWEPT_AFTER} SECOND
"""

SWEPT_AT_ONCE = 10_000
"""Rows that one statement deletes at most."""

SWEEP_ALL_SLOTS = f"""
DELETE FROM provider_slots WHERE slot < FLOOR({MOMENT}) - {SWEPT_AFTER} LIMIT {SWEPT_AT_ONCE}
"""

SWEEP_ALL_DEMAND = f"""
DELETE FROM provider_demand WHERE at < NOW(6) - INTERVAL {SWEPT_AFTER} SECOND LIMIT {SWEPT_AT_ONCE}
"""

DELETE_AHEAD = f"""
DELETE FROM provider_slots WHERE provider IN %s AND slot > FLOOR({MOMENT}) + 1
"""

FORGET_DEMAND = "DELETE FROM provider_demand WHERE sender = %s"


NOTHING_WANTED: Mapping[str, SlotDemand] = MappingProxyType({})


class SlotsRead(NamedTuple):
    """Slots of a provider from two before the present one on, with the server's time and name."""

    moment: float
    """Seconds since 1970."""
    server: str
    stored: Sequence[StoredSlot]
    demands: Mapping[str, SlotDemand] = NOTHING_WANTED
    """Demand of each sender that has stated one within seconds; read where the next slot is not
    planned."""


def state_demand(cursor: Cursor, provider: str, sender: str, demand: SlotDemand) -> None:
    """State what a sender wants in the next slot."""
    cursor.execute(STATE_DEMAND, (provider, sender, *demand))


def forget_demand(cursor: Cursor, sender: str) -> None:
    """Delete what a sender wants of any provider."""
    cursor.execute(FORGET_DEMAND, (sender,))


def read_slots(cursor: Cursor, provider: str, *, shares_after: int = 0) -> SlotsRead:
    """Read the slots of a provider, the server's time and what senders want, in one statement.

    The shares of slots up to `shares_after` are left out.
    """
    cursor.execute(SELECT_SLOTS, {"provider": provider, "shares_after": shares_after})
    moment, server = 0.0, ""
    stored = []
    demands = {}
    for read_at, read_on, *slot, sender, wanted, cost in cursor.fetchall():
        if sender is not None:
            demands[sender] = SlotDemand(int(wanted), int(cost))
        else:
            moment, server = float(read_at), str(read_on)
            if slot[0] is not None:
                stored.append(stored_slot(slot))
    stored.sort(key=lambda one: one.plan.slot)
    return SlotsRead(moment, server, stored, demands)


def insert_slot(cursor: Cursor, provider: str, planned: StoredSlot, version: int) -> bool:
    """Insert a slot before it begins; False where another sender has planned it, or too late.

    `version`: that of the live limits that it is planned by; False where there are others now.
    """
    plan = planned.plan
    shares = json.dumps(plan.shares if plan.blocks is None else plan.blocks)
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
                provider,
                version,
            ),
        )
    )


def take_spare(cursor: Cursor, provider: str, slot: int, offered: range, wanted: int) -> range:
    """Take up to `wanted` of the offered spare grants of the running slot; return their indices."""
    if not offered or wanted <= 0:
        return range(0)
    values = {
        "provider": provider,
        "slot": slot,
        "first": offered.start,
        "last": offered.stop,
        "wanted": wanted,
    }
    if not cursor.execute(TAKE_SPARE, values):
        return range(0)
    first = int(cursor.lastrowid or 0)
    return range(first, min(first + wanted, offered.stop))


def sweep_slots(cursor: Cursor, provider: str, moment: float) -> None:
    """Delete slots that are over, and the demand of senders that have gone."""
    cursor.execute(SWEEP_SLOTS, (provider, slot_at(moment) - SWEPT_AFTER))
    cursor.execute(SWEEP_DEMAND, (provider,))


def sweep_some(cursor: Cursor) -> bool:
    """Delete some of what `sweep_slots` does, of any provider and campaign, also without a sender.

    Return whether there may be more.
    """
    slots = cursor.execute(SWEEP_ALL_SLOTS)
    return max(slots, cursor.execute(SWEEP_ALL_DEMAND)) == SWEPT_AT_ONCE


def delete_ahead(cursor: Cursor, providers: Collection[str]) -> None:
    """Delete slots that lie ahead of the server's clock, which has gone back."""
    cursor.execute(DELETE_AHEAD, (tuple(providers),))


def stored_slot(columns: Sequence[Any]) -> StoredSlot:
    """Return the slot of a row: slot, quota, per_second, shares, spare_taken, server."""
    slot, quota, per_second, shares, spare_taken, server = columns
    parts = json.loads(shares) if shares is not None and shares != "{}" else {}
    if isinstance(parts, list):
        blocks = tuple(Block(*one) for one in parts)
        return StoredSlot(
            SlotPlan.of_blocks(int(slot), int(quota), per_second, blocks), int(spare_taken), server
        )
    return StoredSlot(SlotPlan(int(slot), int(quota), per_second, parts), int(spare_taken), server)
