"""Queries of the doctor: settings of the server, and parts of the system that stand still."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.shard import Shard
from campaign_common.store.core.campaigns import active_ids
from campaign_common.store.messages.possibly_sent import count_possibly_sent


class Server(NamedTuple):
    """Version, clock and settings of a server; `now` is UTC, naive."""

    version: str
    now: datetime
    variables: dict[str, str]
    data_bytes: int
    """Of the tables and indexes of this schema, as estimated by the server."""


class OverdueCampaign(NamedTuple):
    """A campaign whose time has come and that has not started."""

    campaign_id: CampaignId
    seconds: float


VARIABLES = (
    "innodb_flush_log_at_trx_commit",
    "sync_binlog",
    "log_bin",
    "max_allowed_packet",
    "max_connections",
    "innodb_buffer_pool_size",
)

SELECT_SERVER = "SELECT VERSION(), UTC_TIMESTAMP(6)"

SELECT_VARIABLES = "SHOW GLOBAL VARIABLES WHERE Variable_name IN %s"

SELECT_SIZE = """
SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED)
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
"""

SELECT_OVERDUE = """
SELECT id, TIMESTAMPDIFF(MICROSECOND, scheduled_at, NOW(6)) / 1000000.0 FROM campaigns
WHERE state = 'scheduled' AND scheduled_at < NOW(6) - INTERVAL %s SECOND ORDER BY scheduled_at
"""

SELECT_UNLEASED = """
SELECT id FROM campaigns
WHERE state = 'running' AND (lease_until IS NULL OR lease_until < NOW(6) - INTERVAL %s SECOND)
ORDER BY id
"""

SELECT_ORPHANED_REQUESTS = """
SELECT shard, COUNT(*) FROM shard_commands
WHERE requested_at < NOW(6) - INTERVAL %s SECOND GROUP BY shard ORDER BY shard
"""

SELECT_COUNTED = """
SELECT DISTINCT shard FROM campaign_counters UNION SELECT DISTINCT shard FROM campaign_costs
"""

COUNT_ERASURES = """
SELECT COUNT(*) FROM erasures
WHERE ended_at IS NULL AND requested_at < NOW(6) - INTERVAL %s SECOND
"""


def read_server(cursor: Cursor) -> Server:
    """Read what the doctor wants to know of the server."""
    cursor.execute(SELECT_SERVER)
    ((version, now),) = cursor.fetchall()
    cursor.execute(SELECT_VARIABLES, (VARIABLES,))
    variables = dict(cursor.fetchall())
    cursor.execute(SELECT_SIZE)
    ((data_bytes,),) = cursor.fetchall()
    return Server(version, now, variables, int(data_bytes))


def overdue_campaigns(cursor: Cursor, seconds: int) -> list[OverdueCampaign]:
    """List the campaigns that should have started more than so many seconds ago."""
    cursor.execute(SELECT_OVERDUE, (seconds,))
    return [OverdueCampaign(id_, float(late)) for id_, late in cursor.fetchall()]


def unleased_campaigns(cursor: Cursor, seconds: int) -> list[CampaignId]:
    """List the running campaigns that no scheduler has held for so many seconds."""
    cursor.execute(SELECT_UNLEASED, (seconds,))
    return [campaign_id for (campaign_id,) in cursor.fetchall()]


def orphaned_requests(cursors: Cursors, seconds: int) -> dict[Shard, int]:
    """Count by shard the commands that its owner has not executed for more than so many seconds."""
    orphaned: Counter[Shard] = Counter()
    for cursor in cursors.all:
        cursor.execute(SELECT_ORPHANED_REQUESTS, (seconds,))
        orphaned.update(dict(cursor.fetchall()))
    return orphaned


def counted_elsewhere(cursors: Cursors) -> set[CampaignId]:
    """Find shards that a server counts, or has costs of, and does not hold: they count twice."""
    elsewhere: set[CampaignId] = set()
    for cursor in cursors.all:
        cursor.execute(SELECT_COUNTED)
        elsewhere.update(
            shard for (shard,) in cursor.fetchall() if cursors.of_shard(shard) is not cursor
        )
    return elsewhere


def unended_erasures(cursor: Cursor, seconds: int) -> int:
    """Count the erasures that were asked for more than so many seconds ago and go on."""
    cursor.execute(COUNT_ERASURES, (seconds,))
    ((n,),) = cursor.fetchall()
    return int(n)


def open_possibly_sent(cursors: Cursors) -> int:
    """Count the possibly sent messages of campaigns that are not over."""
    return count_possibly_sent(cursors, active_ids(cursors.main))
