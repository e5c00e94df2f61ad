"""_yoyo_migration: which migrations this schema has; yoyo-migrations writes it."""

from pymysql.cursors import Cursor

TABLE_EXISTS = """
SELECT COUNT(*) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '_yoyo_migration'
"""

SELECT_APPLIED = "SELECT migration_id FROM _yoyo_migration"


def applied_migrations(cursor: Cursor) -> set[str]:
    """Return the names of the migrations that were applied; none in an empty schema."""
    cursor.execute(TABLE_EXISTS)
    if cursor.fetchone() == (0,):
        return set()
    cursor.execute(SELECT_APPLIED)
    return {row[0] for row in cursor.fetchall()}
