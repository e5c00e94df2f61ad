"""Demands on a database server, and the remedies of an operator where it does not meet them.

Errors name what is refused now; variables of the server name what new sessions will meet.
Sources: MySQL's "Server Error Message Reference" and "Setting The Binary Log Format",
MariaDB's "Error Codes" and "Binary Log Formats".
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pymysql.err import Error

from campaign_common.database.failures import code_of
from campaign_common.database.session import LONGEST_STATEMENT

SMALLEST_PACKET = LONGEST_STATEMENT + 64 * 1024
"""Bytes of max_allowed_packet without which a full batch cannot be written."""

OPERATIONS = "docs/operations/overview.md, Rights in the database"


class Demand(NamedTuple):
    """Something that a server must allow: what is the case where it does not, and the remedy."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}"


RIGHTS = Demand(
    "the database user lacks rights",
    f"GRANT SELECT, INSERT, UPDATE, DELETE on the schema ({OPERATIONS})",
)
READ_ONLY = Demand(
    "the database is read-only",
    "let the DSN lead to the primary, or end read_only there",
)
ROW_FORMAT = Demand(
    "binlog_format is STATEMENT, which takes no write under READ COMMITTED",
    "SET GLOBAL binlog_format = 'ROW', and the same in the server's file",
)
PACKET = Demand(
    "max_allowed_packet of the database is too small",
    f"SET GLOBAL max_allowed_packet = {16 * 2**20}, and the same in the server's file",
)
SAFE_UPDATES = Demand(
    "the database refuses changes without a key (sql_safe_updates)",
    "take sql_safe_updates out of the server's settings and out of init_connect",
)
PRIMARY_KEY = Demand(
    "group replication or Galera refuses a table",
    "see the error log of the server for the table that it names",
)

BY_ERROR: Mapping[int, Demand] = {
    1142: RIGHTS,  # of a table
    1143: RIGHTS,  # of a column
    1227: RIGHTS,  # of the whole server
    1370: RIGHTS,  # of a routine
    1290: READ_ONLY,
    1792: READ_ONLY,  # a transaction
    1836: READ_ONLY,
    1874: READ_ONLY,  # InnoDB
    1598: ROW_FORMAT,
    1665: ROW_FORMAT,
    1153: PACKET,
    1175: SAFE_UPDATES,
    3098: PRIMARY_KEY,
}


def unmet_demand(error: BaseException) -> Demand | None:
    """Return the demand that a driver error, or an error raised from one, shows to be unmet."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Error):
            return BY_ERROR.get(code_of(cause))
        cause = cause.__cause__
    return None


def unmet_by(variables: Mapping[str, str]) -> Iterator[Demand]:
    """Name what new sessions will meet, by the global variables of a server."""
    if variables.get("log_bin") == "ON" and variables.get("binlog_format") == "STATEMENT":
        yield ROW_FORMAT
    if int(variables.get("max_allowed_packet", SMALLEST_PACKET)) < SMALLEST_PACKET:
        yield PACKET
