"""The databases as this project uses them: pools of sessions, transactions, and error policy."""

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors, ShardCursors
from campaign_common.database.databases import Databases, ShardServer
from campaign_common.database.named_lock import named_lock
from campaign_common.database.pool import Database, Proof

__all__ = [
    "Cursor",
    "Cursors",
    "Database",
    "Databases",
    "Proof",
    "ShardCursors",
    "ShardServer",
    "named_lock",
]
