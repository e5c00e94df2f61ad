"""provider_slots and provider_demand: the slots of many campaigns' rates in a few statements.

They are those of `slot_leases`, with its rules: every statement stands alone, and a slot is planned
by the sender that inserts it first.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import slots_of
from campaign_common.domain.limits.planning import BLANK_SLOTS, StoredSlot
from campaign_common.domain.limits.slots import SlotDemand
from campaign_common.store.limits.server_time import MOMENT, SERVER
from campaign_common.store.limits.slot_leases import DEMAND_LASTS, stored_slot

# One statement, so that a slot is planned one round trip after it was found missing. One row of the
# first part at least, so that time and server are read where no slot is. What is wanted is read
# where the next slot is not planned.
SELECT_SLOTS = f"""
SELECT {MOMENT}, {SERVER}, s.provider, s.slot, s.quota, s.per_second,
       IF(s.slot > %(shares_after)s, s.shares, NULL), s.spare_taken, s.server,
       NULL, NULL, NULL, NULL
FROM (SELECT 1) one
LEFT JOIN provider_slots s
  ON s.provider IN %(names)s
  AND s.slot > GREATEST(%(after)s, FLOOR({MOMENT}) - {BLANK_SLOTS})
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, max_rate, NULL, NULL, NULL, id, NULL, NULL, NULL
FROM campaigns WHERE id IN %(ids)s AND max_rate IS NOT NULL
UNION ALL
SELECT NULL, NULL, d.provider, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.sender, d.wanted, d.cost
FROM provider_demand d
WHERE d.provider IN %(names)s
  AND d.at > NOW(6) - INTERVAL {round(DEMAND_LASTS * 1e6)} MICROSECOND
  AND NOT EXISTS (
    SELECT 1 FROM provider_slots n WHERE n.provider = d.provider AND n.slot > FLOOR({MOMENT}))
"""

STATE_DEMANDS = """
INSERT INTO provider_demand (provider, sender, wanted, cost, at)
SELECT p.provider, %s, p.wanted, 1, NOW(6)
FROM JSON_TABLE(%s, '$[*]' COLUMNS (
    provider VARCHAR(64) PATH '$[0]', wanted INT UNSIGNED PATH '$[1]')) AS p
ON DUPLICATE KEY UPDATE wanted = VALUES(wanted), cost = VALUES(cost), at = VALUES(at)
"""

# Not once the slot has begun, however long the statement was on its way, nor by a rate that was
# changed since it was read.
INSERT_SLOTS = f"""
INSERT IGNORE INTO provider_slots (provider, slot, quota, per_second, shares, server)
SELECT STRAIGHT_JOIN p.provider, p.slot, p.quota, p.per_second, p.shares, p.server
FROM JSON_TABLE(%s, '$[*]' COLUMNS (
    id BIGINT UNSIGNED PATH '$[0]', provider VARCHAR(64) PATH '$[1]',
    slot BIGINT UNSIGNED PATH '$[2]', quota INT UNSIGNED PATH '$[3]',
    per_second DECIMAL(12, 3) PATH '$[4]', shares TEXT PATH '$[5]',
    server VARCHAR(255) PATH '$[6]')) AS p
JOIN campaigns c ON c.id = p.id AND c.max_rate = p.per_second
WHERE {MOMENT} < p.slot
"""


class CampaignSlots(NamedTuple):
    """Slots by campaign from two before the present one on, with the server's time and name."""

    moment: float
    """Seconds since 1970."""
    server: str
    stored: Mapping[str, list[StoredSlot]]
    """By the name of `slots_of`."""
    rates: Mapping[CampaignId, Decimal]
    """Present rates of those campaigns that have one."""
    demands: Mapping[str, Mapping[str, SlotDemand]]
    """Demand of each sender that has stated one within a few seconds, by name and sender; of
    campaigns whose next slot is not planned."""


def read_campaign_slots(
    cursor: Cursor,
    campaign_ids: Collection[CampaignId],
    *,
    after: int = 0,
    shares_after: int = 0,
) -> CampaignSlots:
    """Read the slots of campaigns, and what planning them needs, in one statement.

    Slots up to `after` are left out, and the shares of those up to `shares_after`.
    """
    values = {
        "ids": tuple(campaign_ids),
        "names": tuple(slots_of(one) for one in campaign_ids),
        "after": after,
        "shares_after": shares_after,
    }
    cursor.execute(SELECT_SLOTS, values)
    moment, server = 0.0, ""
    stored: dict[str, list[StoredSlot]] = defaultdict(list)
    rates: dict[CampaignId, Decimal] = {}
    demands: dict[str, dict[str, SlotDemand]] = defaultdict(dict)
    for read_at, read_on, name, *slot, campaign_id, sender, wanted, cost in cursor.fetchall():
        if campaign_id is not None:
            _, _, per_second, *_ = slot
            rates[CampaignId(int(campaign_id))] = per_second
        elif sender is not None:
            demands[name][sender] = SlotDemand(int(wanted), int(cost))
        else:
            moment, server = float(read_at), str(read_on)
            if name is not None:
                stored[name].append(stored_slot(slot))
    for slots in stored.values():
        slots.sort(key=lambda one: one.plan.slot)
    return CampaignSlots(moment, server, stored, rates, demands)


def state_demands(cursor: Cursor, sender: str, wanted: Mapping[str, int]) -> None:
    """State what a sender wants of several campaigns in the next slot."""
    cursor.execute(STATE_DEMANDS, (sender, json.dumps(sorted(wanted.items()))))


def insert_campaign_slots(cursor: Cursor, planned: Mapping[CampaignId, StoredSlot]) -> int:
    """Insert slots of several campaigns before they begin; return the number of those inserted.

    The others were planned by another sender, or have begun, or their campaign has another rate.
    """
    rows = [
        (
            campaign_id,
            slots_of(campaign_id),
            plan.slot,
            plan.quota,
            str(plan.per_second),
            json.dumps(plan.shares),
            server,
        )
        for campaign_id, (plan, _, server) in sorted(planned.items())
    ]
    return cursor.execute(INSERT_SLOTS, (json.dumps(rows),))
