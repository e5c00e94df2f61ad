"""Sign-ins that failed, of which an address has few within a minute."""

from functools import partial

from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import TooManyRequests
from campaign_common.database import Database
from campaign_common.store.access import web_sessions as store

MOST_FAILED = 10
"""Sign-ins of an address that may fail within a minute; further ones are not tried."""


class SignInAttempts:
    """Count of the sign-ins of an address that failed, in the database that all processes share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, address: str) -> int:
        """Count a sign-in as failed before it is tried, and return what `forget` takes.

        So many at once are not more than one after the other.

        Raises:
            TooManyRequests: too many of this address failed within a minute; it is not counted.
        """
        failed_id = self._database.run(partial(store.insert_failed, address=address))
        with self._database.reading() as cursor:
            failed = store.count_failed(cursor, address)
        if failed.number > MOST_FAILED:
            self.forget(failed_id)
            message = gettext("Too many sign-ins failed from here. Try again in a minute.")
            raise TooManyRequests(message, failed.seconds)
        return failed_id

    def forget(self, failed_id: int) -> None:
        """Delete a sign-in that did not fail."""
        self._database.run(partial(store.delete_failed, failed_id=failed_id))
