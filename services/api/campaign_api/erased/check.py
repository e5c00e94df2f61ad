"""The check that a process has the keys of all people who were erased."""

from campaign_api.erased.keys import ErasureKeys
from campaign_common.database import Database
from campaign_common.store.recipients.erased_people import key_ids
from campaign_common.store.recipients.erasures import is_anybody_erased

NO_KEY = (
    "people were erased and Erasure.Keys are not configured: a later import brings back whoever is"
    " erased without it"
)


class ErasureKeyCheck:
    """The keys of the configuration, compared with those of the database."""

    def __init__(self, database: Database, keys: ErasureKeys) -> None:
        self._database = database
        self._keys = keys

    def require(self) -> None:
        """Require that every hash can be checked here.

        Raises:
            ErasureKeyMissing: a key is not configured, or can not be read.
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            used = key_ids(cursor)
        self._keys.required(used)

    def warning(self) -> str | None:
        """Return that people are erased without leaving a hash, if so."""
        if self._keys.are_configured:
            return None
        with self._database.reading() as cursor:
            return NO_KEY if is_anybody_erased(cursor) else None
