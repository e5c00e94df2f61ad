"""The check that a process has the keys of all people who were erased."""

from campaign_api.erased.keys import ErasureKeys
from campaign_api.errors import ErasureKeyMissing
from campaign_common.database import Database
from campaign_common.store.recipients.erased_people import key_ids
from campaign_common.store.recipients.erasures import is_anybody_erased
from campaign_common.store.suppressions.hashed_suppressions import suppression_key_ids

NO_KEY = (
    "people were erased and Erasure.Keys are not configured: a later import brings back everyone"
    " who is erased without it"
)


class ErasureKeyCheck:
    """The keys of the configuration, compared with those of the database."""

    def __init__(self, database: Database, keys: ErasureKeys) -> None:
        self._database = database
        self._keys = keys

    def warning(self) -> str | None:
        """Return that imports are refused for a missing key, or bring erased people back, if so.

        Raises:
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            used = key_ids(cursor) | suppression_key_ids(cursor)
            is_unprotected = not self._keys.are_configured and is_anybody_erased(cursor)
        try:
            self._keys.required(used)
        except ErasureKeyMissing as error:
            return f"imports are refused: {error}"
        return NO_KEY if is_unprotected else None
