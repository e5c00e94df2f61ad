"""Cursors on several database servers at once.

No statement and no transaction spans two servers: a function that needs more than one takes the
cursors of all, or of the two that it works on.
"""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.by_server import ByServer

Cursors = ByServer[Cursor]
"""A cursor on every database server."""


class ShardCursors(NamedTuple):
    """Cursors on a shard's server, and on the main one; the same where that holds the shard."""

    own: Cursor
    main: Cursor
