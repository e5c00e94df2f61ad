"""Classification of the driver's errors: to be repeated, refused, or fatal.

Numbers: MySQL's "Server Error Message Reference" and "Client Error Message Reference",
MariaDB's "Error Codes".
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pymysql.err import DataError, Error, IntegrityError, InterfaceError

from campaign_common.errors import (
    CampaignError,
    DatabaseContended,
    DatabaseDemoted,
    DatabaseFull,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementRefused,
)

UNAVAILABLE = frozenset(
    {
        2002,  # cannot connect through the socket
        2003,  # cannot connect over TCP
        2006,  # the server has gone away
        2013,  # the connection was lost during a statement
        1040,  # too many connections
        1203,  # too many connections of this user
        1226,  # a resource limit of this user
        1053,  # shutdown in progress
        1077,  # normal shutdown
        1079,  # shutdown complete
        1080,  # forced close
        1129,  # host blocked after too many errors
        1152,  # connection aborted
        1158,  # reading packets
        1159,  # reading packets, timed out
        1160,  # writing packets
        1161,  # writing packets, timed out
        1184,  # connection aborted
        1317,  # interrupted by an administrator
        1927,  # MariaDB: connection killed
        3168,  # server not available
        4031,  # the server closed an idle connection
    }
)
PREVENTED_BY_AN_OPTION = 1290
DEMOTED = frozenset(
    {
        1047,  # Galera: the node does not take part
        PREVENTED_BY_AN_OPTION,  # read_only, super_read_only
        1792,  # the transaction is read-only
        1836,  # read-only mode
        3032,  # offline mode
    }
)
"""The server lives and does not do what a primary does. 1290, 1792 and 1836 are those of
`rejectReadOnly` in the Go driver."""
TIMED_OUT = frozenset({1969, 3024})
"""max_statement_time (MariaDB) and max_execution_time (MySQL)."""
CONTENDED = frozenset({1020, 1205, 1213, 3572})
"""Changed row (MariaDB), lock wait, deadlock, and a row that NOWAIT found locked."""
FULL = frozenset({1021, 1114})
"""The disk, and a table."""
NO_SPACE = ("No space left on device", "Got error 28", "errno: 28")
REFUSED = frozenset({1044, 1045, 1049, 1130, 1251, 1698, 1820, 1862, 3118, 3159})
"""Credentials, schema, host, and accounts that are locked or expired."""
ABOUT_DATA = (IntegrityError, DataError)
"""The values of a statement are wrong: a duplicate key, a text that is too long."""
NOT_COMMITTED = frozenset({1020, 1213, 1290, 1792, 1836})
"""Answers to COMMIT that prove that it did not happen."""


def code_of(error: Exception) -> int:
    """Return the number of a driver error, 0 where it has none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def meaning_of(error: Error) -> CampaignError | None:
    """Return what `error` means here, or None for one that is about what the statement holds.

    A number in no list means that the server refuses the statement. It says nothing about the
    next attempt: an operator, or the end of a switch-over, may change it.
    """
    code, text = code_of(error), str(error.args[-1] if error.args else error)
    said = f"{text} (error {code})" if code else text or type(error).__name__
    if code in TIMED_OUT or (code in UNAVAILABLE and _waited_too_long(error)):
        return DatabaseTimeout(said)
    if code in FULL or any(words in text for words in NO_SPACE):
        return DatabaseFull(said)
    if code in CONTENDED:
        return DatabaseContended(said)
    if code in REFUSED:
        return DatabaseRefused(said)
    away = code in UNAVAILABLE or isinstance(error, InterfaceError) or "Packet sequence" in text
    if code in DEMOTED or away:
        return DatabaseUnavailable(said) if away else DatabaseDemoted(said)
    return None if isinstance(error, ABOUT_DATA) else StatementRefused(said)


@contextmanager
def translated(where: str = "") -> Iterator[None]:
    """Raise driver errors of the block as what they mean; others pass unchanged.

    `where` is put before what is said, so that one of several servers can be told from the others.
    """
    try:
        yield
    except Error as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        raise (type(meaning)(f"{where}{meaning}") if where else meaning) from error


def _waited_too_long(error: Error) -> bool:
    """Return whether the server did not answer in time, rather than ended the connection."""
    return code_of(error) in {2006, 2013} and isinstance(error.__context__, TimeoutError)
