"""Cache of the API keys in one process: a copy of the table that is a few seconds old at most."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hmac import compare_digest
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey
from campaign_common.errors import CampaignError, DatabaseUnavailable
from campaign_common.store.access.api_keys import StoredKey, note_use, read_keys

FRESH = 2.0
"""Seconds after which the next use of a copy has the table read again."""

STALE = 4.0
"""Seconds after which a copy is used no more, even if the table cannot be read.

Keys are revoked within five seconds, also by a process that has lost the database.
"""

LONGEST_READ = 2.0
"""Seconds after which a read of the table times out."""

LONGEST_WAIT = 1.0
"""Seconds for which a request waits for another one that is reading the table."""

PAUSE_AFTER_FAILURE = 1.0
"""Seconds in which the table is not tried again: requests are refused instead of queued."""

RECORD_INTERVAL = 60.0
"""Seconds between two records of the same key's use."""

UNKNOWN_KEY_DIGEST = bytes(32)
"""Compared with the secret shown for an unknown id, so that it takes as long as any other."""

log = structlog.get_logger(__name__)


class Copy(NamedTuple):
    """The rows of the table, and when (monotonic seconds) they were read."""

    keys: dict[str, StoredKey]
    taken_at: float


class ApiKeyCache:
    """Cache of keys and of their use; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._copy = Copy({}, float("-inf"))
        self._failed_at = float("-inf")
        self._reading = threading.Lock()
        # One thread that stays: a request would wait for the start of a new one.
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="api-keys")
        self._recorded_at: dict[str, float] = {}

    def is_empty(self) -> bool:
        """Return whether no key was ever made, by the table as it is now.

        Raises:
            DatabaseUnavailable: it cannot be read.
        """
        # Who is let in because of this must be refused from the moment the first key exists.
        return not self._recent(FRESH) and not self._recent(0.0)

    def find(self, shown: ApiKey) -> StoredKey | None:
        """Return the key that `shown` is, None for one that is unknown, wrong or revoked.

        Raises:
            DatabaseUnavailable: the table cannot be read, and the last copy is too old.
        """
        # A key that was made a moment ago is not refused because the copy is older. A wrong
        # secret costs the same second read as an unknown id, so clients cannot tell them apart.
        return self._match(shown, FRESH) or self._match(shown, 0.0)

    def find_by_id(self, key_id: str) -> StoredKey | None:
        """Return the key of an id, None for one that is unknown or revoked; raise as `find` does.

        A key that is missing in a copy of some age is looked for in the table.
        """
        stored = self._recent(FRESH).get(key_id) or self._recent(0.0).get(key_id)
        return None if stored is None or stored.revoked else stored

    def recognise(self, shown: ApiKey) -> str | None:
        """Return the id of a key that the last copy has, however old; never reads the table."""
        stored = self._copy.keys.get(shown.id)
        same = stored is not None and compare_digest(stored.secret_sha256, shown.digest())
        return shown.id if same else None

    @property
    def seems_empty(self) -> bool:
        """Return whether the last copy has no key; true before the first one was read."""
        return not self._copy.keys

    def record_use(self, key_id: str) -> None:
        """Record the use of a key about once a minute, in the background; never fails."""
        now = time.monotonic()
        if now - self._recorded_at.get(key_id, float("-inf")) >= RECORD_INTERVAL:
            self._recorded_at[key_id] = now
            self._background.submit(self._write_use, key_id)

    def _write_use(self, key_id: str) -> None:
        with (
            suppress(CampaignError, DriverError),
            self._database.transaction(timeout=LONGEST_READ) as cursor,
        ):
            note_use(cursor, key_id)

    def _match(self, shown: ApiKey, age: float) -> StoredKey | None:
        stored = self._recent(age).get(shown.id)
        digest = UNKNOWN_KEY_DIGEST if stored is None else stored.secret_sha256
        same = compare_digest(digest, shown.digest())
        return stored if stored is not None and same and not stored.revoked else None

    def _recent(self, age: float) -> dict[str, StoredKey]:
        """Return the keys as of `age` seconds before this call, or later.

        Where some age will do, a copy that is a little older is used once more, and renewed
        beside the request: a request does not wait for its turn to read the table.
        """
        now = time.monotonic()
        taken_at = self._copy.taken_at
        if taken_at <= now - age:
            if age and now - taken_at < STALE:
                self._refresh_in_background(now - age)
            else:
                self._refresh(now - age)
        copy = self._copy
        if time.monotonic() - copy.taken_at > STALE:
            raise DatabaseUnavailable("the API keys cannot be read")
        return copy.keys

    def _refresh_in_background(self, needed: float) -> None:
        if not self._reading.locked():
            self._background.submit(self._refresh, needed)

    def _refresh(self, needed: float) -> None:
        """Read the table, one thread at a time; without success all stays as it is."""
        if not self._reading.acquire(timeout=LONGEST_WAIT):
            return
        try:
            now = time.monotonic()
            if self._copy.taken_at > needed or now - self._failed_at < PAUSE_AFTER_FAILURE:
                return
            with self._database.reading(timeout=LONGEST_READ) as cursor:
                keys = read_keys(cursor)
            self._copy = Copy({key.id: key for key in keys}, now)
        except (CampaignError, DriverError) as error:
            self._failed_at = time.monotonic()
            log.warning("API keys not refreshed", reason=str(error))
        finally:
            self._reading.release()
