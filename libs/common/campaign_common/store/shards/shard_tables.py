"""The tables that exist once per shard: ledger, retries, receipts, and the shard's claim row."""

from collections.abc import Collection, Iterable

from pymysql.cursors import Cursor

CREATE_MESSAGES = """
CREATE TABLE IF NOT EXISTS messages_{shard} (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  status       TINYINT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  try_number   SMALLINT UNSIGNED NOT NULL,
  attempts     SMALLINT UNSIGNED NOT NULL,
  provider_message_id VARCHAR(128) CHARACTER SET ascii NULL,
  error_code   VARCHAR(32) CHARACTER SET ascii NULL,
  sent_at      DATETIME(6) NOT NULL,
  in_doubt     TINYINT UNSIGNED NOT NULL DEFAULT 0,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  PRIMARY KEY (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
"""

CREATE_RETRIES = """
CREATE TABLE IF NOT EXISTS message_retries_{shard} (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  due_at       DATETIME(6) NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  try_number   SMALLINT UNSIGNED NOT NULL,
  attempts     SMALLINT UNSIGNED NOT NULL,
  published_at     DATETIME(6) NULL,
  published_epoch  INT UNSIGNED NULL,
  published_topic_id  VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  published_partition INT NULL,
  published_offset    BIGINT NULL,
  aged_from    DATETIME(6) NULL,
  rests_since  DATETIME(6) NULL,
  sent_after   DATETIME(6) NULL,
  rests_try    SMALLINT UNSIGNED NULL,
  PRIMARY KEY (campaign_id, seq),
  KEY by_due (published_at, due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
"""

# `provider` is NULL where it is the one that the campaign names, as in the ledger.
CREATE_RECEIPTS = """
CREATE TABLE IF NOT EXISTS receipts_{shard} (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  receipt_rank TINYINT UNSIGNED NOT NULL,
  state        TINYINT UNSIGNED NOT NULL,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  code         VARCHAR(32) CHARACTER SET ascii NULL,
  reported_at  DATETIME(6) NULL,
  PRIMARY KEY (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
"""

# What ledgers of 0.1.0 lack. Neither statement copies the table; both in one would.
ALTER_MESSAGES = (
    """
ALTER TABLE messages_{shard} MODIFY COLUMN provider_message_id
  VARCHAR(128) CHARACTER SET ascii NULL
""",
    """
ALTER TABLE messages_{shard} ADD COLUMN provider
  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
""",
)

# What tables of retries of 0.2.0 lack: from when the age of a message counts; since when a rest of
# its provider does not count into it, and before which try that is; and the moment before which it
# was not sent.
ALTER_RETRIES = """
ALTER TABLE message_retries_{shard} ADD COLUMN aged_from DATETIME(6) NULL,
  ADD COLUMN rests_since DATETIME(6) NULL, ADD COLUMN sent_after DATETIME(6) NULL,
  ADD COLUMN rests_try SMALLINT UNSIGNED NULL
"""

INSERT_CLAIM = """
INSERT IGNORE INTO shard_claims (shard, owner_token, claimed, updated_at)
VALUES (%s, REPEAT('\\0', 16), '', NOW(6))
"""

TABLES_NAMED = """
SELECT TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^message(s|_retries)_[0-9]+$'
"""

RECEIPTS_NAMED = """
SELECT TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
"""

CURRENT_NAMED = """
SELECT TABLE_NAME FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE()
  AND (TABLE_NAME REGEXP '^messages_[0-9]+$' AND COLUMN_NAME = 'provider'
       OR TABLE_NAME REGEXP '^message_retries_[0-9]+$' AND COLUMN_NAME = 'sent_after')
"""

# For people at a SQL prompt: one row per recipient of every started campaign, status 0
# where nothing is known of the message yet. Where shards live on other servers too, only those
# recipients whose shards are held here.
CREATE_VIEW = """
CREATE OR REPLACE SQL SECURITY INVOKER VIEW campaign_messages AS
SELECT c.id AS campaign_id, r.seq, r.phone, r.name,
       COALESCE({status}, 0) AS status,
       COALESCE({attempts}, 0) AS attempts,
       COALESCE({provider_message_id}) AS provider_message_id,
       COALESCE({error_code}) AS error_code,
       COALESCE({sent_at}) AS sent_at
FROM campaigns c
JOIN recipients r ON r.list_id = c.list_id AND r.seq <= c.last_seq
{joins}
{of_held}
"""

# Of the others nothing is known here, and 0 would be a lie.
OF_SHARDS = "WHERE COALESCE(r.erased_shard, CRC32(r.phone)) MOD c.shards IN ({shards})"

DROP_VIEW = "DROP VIEW IF EXISTS campaign_messages"

LEDGER_COLUMNS = ("status", "attempts", "provider_message_id", "error_code", "sent_at")

RETRIES = "message_retries_"

MOST_JOINED = 50
"""Ledger tables that the view joins one by one, each probed by its primary key: both servers
stop at 61 tables in a join. More are put together first, which reads them whole."""


def ensure_shards(cursor: Cursor, shards: Iterable[int]) -> None:
    """Create the missing tables and claim rows of shards.

    Tables of shards that a smaller configuration no longer names stay, because campaigns
    keep the number of shards they started with.
    """
    for shard in shards:
        cursor.execute(CREATE_MESSAGES.format(shard=shard))
        cursor.execute(CREATE_RETRIES.format(shard=shard))
        cursor.execute(CREATE_RECEIPTS.format(shard=shard))
        cursor.execute(INSERT_CLAIM, (shard,))


def ensure_receipts(cursor: Cursor) -> None:
    """Create the missing tables of receipts of all ledgers that are present.

    Those of shards that the configuration no longer names, too: their campaigns may still run.
    """
    for shard in _shards_present(cursor):
        cursor.execute(CREATE_RECEIPTS.format(shard=shard))


def alter_ledgers(cursor: Cursor) -> tuple[str, ...]:
    """Give the ledgers and retries of an older version what they lack; return their names.

    Those of shards that the configuration no longer names, too.
    """
    outdated = outdated_ledgers(cursor)
    for table in outdated:
        is_ledger = not table.startswith(RETRIES)
        for statement in ALTER_MESSAGES if is_ledger else (ALTER_RETRIES,):
            cursor.execute(statement.format(shard=_number_of(table)))
    return tuple(outdated)


def make_view(cursor: Cursor, elsewhere: Collection[int]) -> None:
    """Replace the view by one over the present shards, without those that live `elsewhere`."""
    present = _shards_present(cursor)
    held = [shard for shard in present if shard not in elsewhere]
    if held:
        cursor.execute(_view_over(held, of_held=OF_SHARDS if elsewhere else ""))
    else:
        cursor.execute(DROP_VIEW)


def missing_shard_tables(cursor: Cursor, shards: Iterable[int]) -> list[str]:
    """Name the tables that these shards need and the database lacks.

    And the tables of receipts of the other ledgers that it has.
    """
    shards, present = list(shards), set[str]()
    for named in (TABLES_NAMED, RECEIPTS_NAMED):
        cursor.execute(named)
        present |= {row[0] for row in cursor.fetchall()}
    needed = [
        f"{table}_{n}" for n in shards for table in ("messages", "message_retries", "receipts")
    ]
    needed += [f"receipts_{n}" for n in _shards_present(cursor) if n not in shards]
    return [table for table in needed if table not in present]


def outdated_ledgers(cursor: Cursor) -> list[str]:
    """Name the ledgers and tables of retries that lack columns, in the order of their shards."""
    cursor.execute(TABLES_NAMED)
    present = {name for (name,) in cursor.fetchall()}
    cursor.execute(CURRENT_NAMED)
    outdated = present - {name for (name,) in cursor.fetchall()}
    return sorted(outdated, key=lambda table: (_number_of(table), table))


def _shards_present(cursor: Cursor) -> list[int]:
    cursor.execute(TABLES_NAMED)
    return sorted(_number_of(name) for (name,) in cursor.fetchall() if name.startswith("messages_"))


def _number_of(table: str) -> int:
    return int(table.rpartition("_")[2])


def _view_over(shards: list[int], of_held: str) -> str:
    if len(shards) <= MOST_JOINED:
        tables = {f"m{n}": f"messages_{n}" for n in shards}
    else:
        columns = ", ".join(("campaign_id", "seq", *LEDGER_COLUMNS))
        whole = " UNION ALL ".join(f"SELECT {columns} FROM messages_{n}" for n in shards)
        tables = {"m": f"({whole})"}
    return CREATE_VIEW.format(
        joins="\n".join(
            f"LEFT JOIN {table} {alias} ON {alias}.campaign_id = c.id AND {alias}.seq = r.seq"
            for alias, table in tables.items()
        ),
        of_held=of_held.format(shards=", ".join(map(str, shards))),
        **{column: ", ".join(f"{alias}.{column}" for alias in tables) for column in LEDGER_COLUMNS},
    )
