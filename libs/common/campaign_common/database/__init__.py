"""The databases as this project uses them: pools of sessions, transactions, and error policy."""

from pymysql.cursors import Cursor

from campaign_common.database.databases import Databases
from campaign_common.database.named_lock import named_lock
from campaign_common.database.pool import Database
from campaign_common.store import Cursors

__all__ = ["Cursor", "Cursors", "Database", "Databases", "named_lock"]
