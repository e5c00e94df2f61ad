"""campaigns: pages of them, the newest first, without their templates."""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.store.campaigns.progress import (
    SELECT_PROGRESS,
    CampaignProgress,
    progress_rows,
)


class CampaignFilter(NamedTuple):
    """A filter of campaigns; None: any. `name` is a part of the name, in any case.

    `since` and `before` are bounds of the planned time (UTC, naive): `since` <= it < `before`. A
    draft has no planned time, and is not among those of a span.
    """

    state: CampaignState | None = None
    name: str | None = None
    since: datetime | None = None
    before: datetime | None = None


class CampaignPosition(NamedTuple):
    """The place of a campaign among all: by the time of its creation (UTC, naive), then id."""

    created_at: datetime
    id: CampaignId


OF_STATE = "c.state = %s"

# The column's collation is binary: both sides are put into lower case for the comparison.
OF_NAME = "LOWER(c.name) LIKE LOWER(%s) ESCAPE '|'"

SINCE = "c.scheduled_at >= %s"

BEFORE = "c.scheduled_at < %s"

BELOW = "c.created_at <= %s AND (c.created_at < %s OR c.id < %s)"

NEWEST_FIRST = " ORDER BY c.created_at DESC, c.id DESC LIMIT %s"


def read_campaigns(
    cursor: Cursor, wanted: CampaignFilter, below: CampaignPosition | None, limit: int
) -> list[CampaignProgress]:
    """Read up to `limit` of the wanted campaigns, the newest first, from `below` on."""
    conditions, arguments = ["TRUE"], list[object]()
    if below is not None:
        conditions.append(BELOW)
        arguments += (below.created_at, below.created_at, below.id)
    if wanted.state is not None:
        conditions.append(OF_STATE)
        arguments.append(wanted.state.value)
    if wanted.name is not None:
        conditions.append(OF_NAME)
        arguments.append(f"%{_literally(wanted.name)}%")
    for condition, bound in ((SINCE, wanted.since), (BEFORE, wanted.before)):
        if bound is not None:
            conditions.append(condition)
            arguments.append(bound)
    cursor.execute(
        SELECT_PROGRESS + " WHERE " + " AND ".join(conditions) + NEWEST_FIRST,
        (*arguments, limit),
    )
    return progress_rows(cursor)


def _literally(text: str) -> str:
    """Write `text` so that LIKE finds it as it stands."""
    for special in "|%_":
        text = text.replace(special, f"|{special}")
    return text
