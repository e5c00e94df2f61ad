"""The database as this project uses it: a pool of sessions, transactions, and error policy."""

from pymysql.cursors import Cursor

from campaign_common.database.named_lock import named_lock
from campaign_common.database.pool import Database

__all__ = ["Cursor", "Database", "named_lock"]
