"""Signs of life that services of 0.1.0 leave in the tables of their schema."""

from datetime import datetime

from pymysql.cursors import Cursor

RECENT = 6
"""Seconds after which a sign counts no more; senders with work leave one several times a second."""

SELECT_LEASES = """
SELECT lease_owner, MAX(lease_until) FROM campaigns
WHERE lease_until > NOW(6) AND lease_owner IS NOT NULL GROUP BY lease_owner
"""

CLAIMS_HAVE_TIMES = """
SELECT COUNT(*) FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'shard_claims' AND COLUMN_NAME = 'moved_at'
"""

SELECT_CLAIMS = """
SELECT owner_name, MAX(moved_at) FROM shard_claims
WHERE moved_at > NOW(6) - INTERVAL %s SECOND AND owner_name <> '' GROUP BY owner_name
"""

HEARTBEATS_EXIST = """
SELECT COUNT(*) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'senders'
"""

SELECT_HEARTBEATS = "SELECT name, seen_at FROM senders WHERE seen_at > NOW(6) - INTERVAL %s SECOND"


def recent_activity(cursor: Cursor) -> dict[str, tuple[datetime, ...]]:
    """Read which services have been at work recently, each with the times of its last signs.

    For a schema that 0008_names_and_providers has not renamed yet, or not completely.
    """
    cursor.execute(SELECT_LEASES)
    rows: list[tuple[str, datetime]] = []
    signs: dict[str, tuple[datetime, ...]] = {
        f"scheduler {owner}": (until,) for owner, until in cursor.fetchall()
    }
    # A migration that was killed may have renamed some of it already, and 0.1.0 has no heartbeats.
    for exists, select in (
        (CLAIMS_HAVE_TIMES, SELECT_CLAIMS),
        (HEARTBEATS_EXIST, SELECT_HEARTBEATS),
    ):
        cursor.execute(exists)
        if cursor.fetchone() != (0,):
            cursor.execute(select, (RECENT,))
            rows += cursor.fetchall()
    for name, at in rows:
        signs[f"sender {name}"] = (*signs.get(f"sender {name}", ()), at)
    return signs
