"""Whether this process can do its work."""

from campaign_common.database import Databases
from campaign_common.errors import DatabaseRefused, DatabaseUnavailable
from campaign_common.schema import schema_status


def why_not_ready(databases: Databases, shards: int) -> str | None:
    """Return why requests would fail now, or None when nothing is in the way."""
    try:
        status = schema_status(databases.main, shards)
    except DatabaseUnavailable:
        return "the database is unavailable"
    except DatabaseRefused:
        return "the database does not let this service in"
    return None if status.current else str(status)
