"""Checks of what stands in the database before any campaign does."""

from collections.abc import Sequence

from campaign_admin.doctor.finding import Finding, failed, ok, warning
from campaign_common.database import Database
from campaign_common.schema import schema_status
from campaign_common.settings import Settings
from campaign_common.store.access.api_keys import read_keys


def check_schema(database: Database, held: Sequence[int]) -> list[Finding]:
    """Compare a server's schema with this build, for the shards that it holds.

    Raises:
        RetryLater: the database is down.
    """
    status = schema_status(database, held)
    if status.current:
        return [ok("schema", str(status))]
    return [failed("schema", str(status), "campaign-db migrate")]


def check_keys(database: Database, settings: Settings) -> list[Finding]:
    """List the keys that may use the API.

    Raises:
        RetryLater: the database is down.
    """
    if settings.auth == "none":
        return []
    with database.reading() as cursor:
        keys = [key for key in read_keys(cursor) if not key.revoked]
    if keys:
        return [ok("API keys", f"{len(keys)} in use")]
    return [
        warning(
            "API keys",
            "there is none: only programs on the API's own machine are let in",
            "campaign-db key create --name me --scope admin",
        )
    ]
