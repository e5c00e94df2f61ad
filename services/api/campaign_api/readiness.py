"""Readiness of this process to serve requests."""

from threading import Lock
from time import monotonic

from campaign_api.erased.check import ErasureKeyCheck
from campaign_common.errors import (
    DatabaseRefused,
    DatabaseUnavailable,
    RetryLater,
    SchemaOutdated,
    WritesRefused,
)
from campaign_common.health.write_check import WriteCheck
from campaign_common.schema import SchemaCheck


class Readiness:
    """Readiness check; concurrent callers share one check."""

    def __init__(self, schema: SchemaCheck, writes: WriteCheck, keys: ErasureKeyCheck) -> None:
        """Ask all checks."""
        self._checks = schema, writes
        self._asking = Lock()
        self._began_at = float("-inf")
        self._reason: str | None = None
        self._keys = keys

    def why_not(self) -> str | None:
        """Return the reason why requests would fail, by a check that began after this call."""
        asked_at = monotonic()
        with self._asking:
            if self._began_at < asked_at:
                self._began_at = monotonic()
                self._reason = why_not_ready(*self._checks)
            return self._reason

    def warning(self) -> str | None:
        """Return what should be changed although requests are served.

        A process without a key refuses imports alone: nothing else may fail with it, least of all
        the pause of a campaign.
        """
        try:
            return self._keys.warning()
        except RetryLater:
            return None


def why_not_ready(schema: SchemaCheck, writes: WriteCheck) -> str | None:
    """Return the reason why requests would fail now, or None if they would not."""
    try:
        schema.require()
        writes.require()
    except DatabaseRefused:
        return "the database refuses this service's login"
    except DatabaseUnavailable:
        return "the database is unavailable"
    except (SchemaOutdated, WritesRefused) as error:
        return str(error)
    except RetryLater:
        return "the database refuses statements; campaign doctor says which"
    return None
