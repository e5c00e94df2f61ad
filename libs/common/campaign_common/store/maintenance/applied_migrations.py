"""_yoyo_migration: which migrations this schema has; yoyo-migrations writes it."""

from pymysql.cursors import Cursor

BOOKKEEPING_EXISTS = """
SELECT COUNT(*) FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '_yoyo_migration'
  AND COLUMN_NAME = 'migration_id'
"""

DROP_BOOKKEEPING = "DROP TABLE IF EXISTS _yoyo_log, _yoyo_migration, _yoyo_version"

SELECT_APPLIED = "SELECT migration_id FROM _yoyo_migration"


def applied_migrations(cursor: Cursor) -> set[str]:
    """Return the names of the migrations that were applied; none in an empty schema."""
    cursor.execute(BOOKKEEPING_EXISTS)
    if cursor.fetchone() == (0,):
        return set()
    cursor.execute(SELECT_APPLIED)
    return {row[0] for row in cursor.fetchall()}


def drop_bookkeeping(cursor: Cursor) -> None:
    """Drop yoyo's own tables, which a killed first migration may have left half made.

    Only where no migration is recorded: then there is nothing in them.
    """
    if not applied_migrations(cursor):
        cursor.execute(DROP_BOOKKEEPING)
