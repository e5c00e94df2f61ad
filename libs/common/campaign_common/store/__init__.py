"""MySQL stores: every SQL statement of the system stands in one of these modules.

Functions take the cursor of a transaction that their caller opened and ends. Those that look at
all shards take `Cursors`, one on every server; no statement and no transaction spans two.
"""

from pymysql.cursors import Cursor

from campaign_common.per_server import PerServer

Cursors = PerServer[Cursor]
"""A cursor on every database server."""
