"""CREATE DATABASE, users and their rights: what an administrator runs once per installation."""

from pymysql.cursors import Cursor

CREATE_DATABASE = (
    "CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
)

CREATE_USER = "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s"

SET_PASSWORD = "ALTER USER %s@%s IDENTIFIED BY %s"  # noqa: S105 - a statement

GRANT_ALL = "GRANT ALL PRIVILEGES ON {pattern}.* TO %s@%s"

CURRENT_ACCOUNT = "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"


def create_database(cursor: Cursor, database: str) -> None:
    """Create the schema `database` where it does not exist."""
    cursor.execute(CREATE_DATABASE.format(database=_quoted(database)))


def ensure_user(cursor: Cursor, user: str, host: str, password: str) -> None:
    """Create an account where it does not exist, and give it this password."""
    cursor.execute(CREATE_USER, (user, host, password))
    cursor.execute(SET_PASSWORD, (user, host, password))


def grant_database(cursor: Cursor, database: str, user: str, host: str) -> None:
    """Give an account every right on `database` and on nothing else."""
    # In a GRANT the name is a pattern, in which _ and % stand for other letters too.
    pattern = database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    cursor.execute(GRANT_ALL.format(pattern=_quoted(pattern).replace("%", "%%")), (user, host))


def current_account(cursor: Cursor) -> str:
    """Return the user name that this session runs as."""
    cursor.execute(CURRENT_ACCOUNT)
    row = cursor.fetchone()
    return str(row[0]) if row else ""


def _quoted(identifier: str) -> str:
    return f"`{identifier.replace('`', '``')}`"
