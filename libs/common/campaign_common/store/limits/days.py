"""provider_days: the units of a day that senders hold or have used."""

from datetime import date

from pymysql.cursors import Cursor

ENSURE = "INSERT IGNORE INTO provider_days (provider, day, taken) VALUES (%s, %s, 0)"

# The driver reports the value of LAST_INSERT_ID: the number of units.
TAKE = """
UPDATE provider_days SET taken = taken + LAST_INSERT_ID(LEAST(%s, %s - taken))
WHERE provider = %s AND day = %s AND taken < %s
"""

RETURN = """
UPDATE provider_days SET taken = taken - LEAST(taken, %s) WHERE provider = %s AND day = %s
"""

SELECT_TAKEN = "SELECT taken FROM provider_days WHERE provider = %s AND day = %s"

SWEEP = "DELETE FROM provider_days WHERE provider = %s AND day < %s - INTERVAL 31 DAY"


def take_of_day(cursor: Cursor, provider: str, day: date, *, wanted: int, per_day: int) -> int:
    """Take up to `wanted` units of what is left of a day; return their number.

    One statement outside of any transaction, but for the first of a day.
    """
    values = (wanted, per_day, provider, day, per_day)
    if cursor.execute(TAKE, values):
        return int(cursor.lastrowid or 0)
    cursor.execute(SELECT_TAKEN, (provider, day))
    if cursor.fetchone() is not None:
        return 0
    cursor.execute(ENSURE, (provider, day))
    cursor.execute(SWEEP, (provider, day))
    return int(cursor.lastrowid or 0) if cursor.execute(TAKE, values) else 0


def return_of_day(cursor: Cursor, provider: str, day: date, units: int) -> None:
    """Return units of a day that were not used."""
    cursor.execute(RETURN, (units, provider, day))


def read_taken(cursor: Cursor, provider: str, day: date) -> int:
    """Read how many units of a day senders hold or have used."""
    cursor.execute(SELECT_TAKEN, (provider, day))
    row = cursor.fetchone()
    return int(row[0]) if row is not None else 0
