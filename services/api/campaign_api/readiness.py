"""Whether this process can do its work."""

from campaign_common.errors import (
    DatabaseRefused,
    DatabaseUnavailable,
    RetryLater,
    SchemaOutdated,
    WritesRefused,
)
from campaign_common.schema import SchemaCheck
from campaign_common.write_check import WriteCheck


def why_not_ready(schema: SchemaCheck, writes: WriteCheck) -> str | None:
    """Return why requests would fail now, or None when nothing is in the way."""
    try:
        schema.require()
        writes.require()
    except DatabaseRefused:
        return "the database does not let this service in"
    except DatabaseUnavailable:
        return "the database is unavailable"
    except (SchemaOutdated, WritesRefused) as error:
        return str(error)
    except RetryLater:
        return "the database refuses statements; campaign doctor says which"
    return None
