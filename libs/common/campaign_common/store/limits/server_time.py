"""Time and name of the database server, as limits count by them."""

from typing import NamedTuple

from pymysql.cursors import Cursor

SERVER = "CONCAT_WS('/', @@hostname, @@port, @@server_id)"

MOMENT = "UNIX_TIMESTAMP(NOW(6))"

SELECT_TIME = f"SELECT {MOMENT}, {SERVER}"


class ServerTime(NamedTuple):
    """Moment by the clock of a server."""

    moment: float
    """Seconds since 1970."""
    server: str


def read_server_time(cursor: Cursor) -> ServerTime:
    """Read the server's time and its name."""
    cursor.execute(SELECT_TIME)
    ((moment, server),) = cursor.fetchall()
    return ServerTime(float(moment), str(server))
