"""provider_days: the units of a day that senders hold or have used."""

from datetime import date

from pymysql.cursors import Cursor

LOCK = "SELECT taken FROM provider_days WHERE provider = %s AND day = %s FOR UPDATE"

ENSURE = "INSERT IGNORE INTO provider_days (provider, day, taken) VALUES (%s, %s, 0)"

ADD = "UPDATE provider_days SET taken = taken + %s WHERE provider = %s AND day = %s"

RETURN = """
UPDATE provider_days SET taken = taken - LEAST(taken, %s) WHERE provider = %s AND day = %s
"""

SELECT_TAKEN = "SELECT taken FROM provider_days WHERE provider = %s AND day = %s"

SWEEP = "DELETE FROM provider_days WHERE provider = %s AND day < %s - INTERVAL 31 DAY"


def take_of_day(cursor: Cursor, provider: str, day: date, *, wanted: int, per_day: int) -> int:
    """Take up to `wanted` units of what is left of a day, in a transaction; return their number."""
    cursor.execute(LOCK, (provider, day))
    row = cursor.fetchone()
    if row is None:
        cursor.execute(ENSURE, (provider, day))
        cursor.execute(SWEEP, (provider, day))
        cursor.execute(LOCK, (provider, day))
        row = cursor.fetchone()
    taken = min(wanted, max(0, per_day - int(row[0]))) if row is not None else 0
    if taken:
        cursor.execute(ADD, (taken, provider, day))
    return taken


def return_of_day(cursor: Cursor, provider: str, day: date, units: int) -> None:
    """Return units of a day that were not used."""
    cursor.execute(RETURN, (units, provider, day))


def read_taken(cursor: Cursor, provider: str, day: date) -> int:
    """Read how many units of a day senders hold or have used."""
    cursor.execute(SELECT_TAKEN, (provider, day))
    row = cursor.fetchone()
    return int(row[0]) if row is not None else 0
