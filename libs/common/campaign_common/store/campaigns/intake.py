"""campaigns: making one from a request, and changing one that has not started."""

from datetime import datetime
from typing import NamedTuple

from pymysql.constants import ER
from pymysql.cursors import Cursor
from pymysql.err import IntegrityError

from campaign_common.domain.campaign import CampaignState, Delivery
from campaign_common.store.core.campaigns import was_purged


class IntendedCampaign(NamedTuple):
    """A campaign as a request wants it; a `scheduled_at` (UTC) in the past means now."""

    id: int
    name: str
    template: str
    scheduled_at: datetime
    request_digest: str
    delivery: Delivery
    provider: str
    traceparent: str | None
    """The request, as the parent of what comes of it."""


class StoredCampaign(NamedTuple):
    """A stored campaign, as far as a request may repeat, change or contradict it."""

    state: CampaignState
    list_id: int
    request_digest: str | None
    list_sha256: str | None


SELECT_STORED = """
SELECT c.state, c.list_id, c.request_digest, l.sha256
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id
WHERE c.id = %s
"""

SELECT_PURGED = """
SELECT state, list_id, request_digest, list_sha256 FROM purged_campaigns WHERE id = %s
"""

DELETE_INSERTED = "DELETE FROM campaigns WHERE id = %s"

LOCK_CAMPAIGN = "SELECT id FROM campaigns WHERE id = %s FOR UPDATE"

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, request_digest, delivery, provider, traceparent,
                       state, scheduled_at, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s,
        'scheduled', GREATEST(CAST(%s AS DATETIME(6)), NOW(6)), NOW(6))
"""

REPLACE_CAMPAIGN = """
UPDATE campaigns SET name = %s, template = %s, list_id = %s, request_digest = %s, delivery = %s,
  provider = %s, traceparent = %s, state = 'scheduled',
  scheduled_at = GREATEST(CAST(%s AS DATETIME(6)), NOW(6))
WHERE id = %s AND state = %s
"""


def read_stored(cursor: Cursor, campaign_id: int) -> StoredCampaign | None:
    """Read a campaign, or what is kept of a purged one; None when there never was one."""
    return _read(cursor, SELECT_STORED, campaign_id) or _read(cursor, SELECT_PURGED, campaign_id)


def lock_stored(cursor: Cursor, campaign_id: int) -> StoredCampaign | None:
    """Read a campaign and keep others from changing it until the transaction ends."""
    is_there = cursor.execute(LOCK_CAMPAIGN, (campaign_id,))
    return _read(cursor, SELECT_STORED if is_there else SELECT_PURGED, campaign_id)


def insert_campaign(cursor: Cursor, intended: IntendedCampaign, list_id: int) -> bool:
    """Insert a scheduled campaign; False when there is, or was, one of its id already."""
    try:
        cursor.execute(
            INSERT_CAMPAIGN,
            (
                intended.id,
                intended.name,
                intended.template,
                list_id,
                intended.request_digest,
                intended.delivery.value,
                intended.provider,
                intended.traceparent,
                _stored_time(intended.scheduled_at),
            ),
        )
    except IntegrityError as error:
        if error.args[0] == ER.DUP_ENTRY:
            return False
        raise
    # Asked after the row is locked: a purge of that id has ended by then, or never was.
    if was_purged(cursor, intended.id):
        cursor.execute(DELETE_INSERTED, (intended.id,))
        return False
    return True


def replace_campaign(
    cursor: Cursor, intended: IntendedCampaign, list_id: int, expected: CampaignState
) -> bool:
    """Change a campaign that is in the state `expected`; False when it is not."""
    changed = cursor.execute(
        REPLACE_CAMPAIGN,
        (
            intended.name,
            intended.template,
            list_id,
            intended.request_digest,
            intended.delivery.value,
            intended.provider,
            intended.traceparent,
            _stored_time(intended.scheduled_at),
            intended.id,
            expected.value,
        ),
    )
    return changed == 1


def _read(cursor: Cursor, statement: str, campaign_id: int) -> StoredCampaign | None:
    cursor.execute(statement, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    state, list_id, request_digest, list_sha256 = row
    return StoredCampaign(CampaignState(state), list_id, request_digest, list_sha256)


def _stored_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
