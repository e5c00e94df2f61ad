"""Whether this process can do its work."""

from campaign_common.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from campaign_common.schema import SchemaCheck


def why_not_ready(schema: SchemaCheck) -> str | None:
    """Return why requests would fail now, or None when nothing is in the way."""
    try:
        schema.require()
    except DatabaseUnavailable:
        return "the database is unavailable"
    except DatabaseRefused:
        return "the database does not let this service in"
    except SchemaOutdated as error:
        return str(error)
    return None
