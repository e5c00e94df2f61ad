"""A ledger of any size for measuring reads, filled by INSERT … SELECT."""

import pymysql

from benchmarks.recipients import FIRST_PHONE
from benchmarks.system import SHARDS

LIST = 1_000_000

PIECE = 100_000

NUMBERS = " CROSS JOIN ".join(
    f"(SELECT 0 d UNION ALL {' UNION ALL '.join(f'SELECT {n}' for n in range(1, 10))}) t{place}"
    for place in range(5)
)
"""A table of 100,000 rows with the digits t0.d to t4.d."""

INSERT_PEOPLE = f"""
INSERT INTO recipients (list_id, seq, phone, name)
SELECT {LIST}, n, {FIRST_PHONE} + n, CONCAT('user', n) FROM (
  SELECT %s + 1 + t0.d + 10 * t1.d + 100 * t2.d + 1000 * t3.d + 10000 * t4.d AS n FROM {NUMBERS}
) numbers ORDER BY n
"""

INSERT_LIST = f"""
INSERT INTO recipient_lists (id, name, state, attribute_columns, accepted, last_seq, created_at,
                             progressed_at)
VALUES ({LIST}, 'people', 'ready', '[]', %s, %s, NOW(6), NOW(6))
"""

INSERT_CAMPAIGN = f"""
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, scheduled_at, epoch,
                       shards, last_seq, total, published_seq, published_count, created_at,
                       started_at)
VALUES (%s, 'benchmark', 'hi {{name}}', {LIST}, 'at_least_once', 'simulated', 'finished', NOW(6), 1,
        {SHARDS}, %s, %s, 0, 0, NOW(6), NOW(6) - INTERVAL 1 DAY)
"""

MEMBERS = f"""
CREATE TEMPORARY TABLE members (PRIMARY KEY (seq)) SELECT seq FROM recipients
WHERE list_id = {LIST} AND CRC32(phone) %% {SHARDS} = %s
"""

INSERT_OUTCOMES = """
INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts,
                              provider_message_id, sent_at)
SELECT %s, seq, 1, 0, 1, 1, CONCAT('sim-', seq), NOW(6) FROM members ORDER BY seq
"""

INSERT_COUNT = """
INSERT INTO campaign_counters (campaign_id, shard, status, n)
SELECT %s, %s, 1, COUNT(*) FROM members
"""


def fill(cursor: pymysql.cursors.Cursor, people: int, campaigns: int) -> None:
    """Store a list, and finished campaigns 1 to `campaigns` with an outcome for each person."""
    for start in range(0, people, PIECE):
        cursor.execute(INSERT_PEOPLE, (start,))
    cursor.execute(INSERT_LIST, (people, people))
    for campaign_id in range(1, campaigns + 1):
        cursor.execute(INSERT_CAMPAIGN, (campaign_id, people, people))
    for shard in range(SHARDS):
        cursor.execute(MEMBERS, (shard,))
        for campaign_id in range(1, campaigns + 1):
            cursor.execute(INSERT_OUTCOMES.format(shard=shard), (campaign_id,))
            cursor.execute(INSERT_COUNT, (campaign_id, shard))
        cursor.execute("DROP TEMPORARY TABLE members")
