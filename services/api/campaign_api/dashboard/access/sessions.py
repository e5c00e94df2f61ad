"""Sessions of people who are signed in, in the table web_sessions.

The browser has a random token, the table a digest of it. Each process keeps what it read for a
moment, so that a page that asks every second reads the table rarely; a revoked key, of which the
cache of keys tells, ends its sessions in the same time as its requests.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from secrets import token_urlsafe
from typing import NamedTuple

from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.errors import CampaignError
from campaign_common.store.access import web_sessions as store
from campaign_common.store.access.web_sessions import SignedInPerson, StoredSession

KEPT = 2.0
"""Seconds for which a session that was read is used without being read again."""

SEEN_INTERVAL = 60.0
"""Seconds between two records of the use of a session."""

MOST_KEPT = 10_000
"""Sessions in the memory of a process."""

TOKEN_BYTES = 32

LONGEST_TOKEN = 64
"""Characters of a cookie that may be a token."""


class _Kept(NamedTuple):
    session: StoredSession
    read_at: float
    noted_at: float


class Sessions:
    """Sessions; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[bytes, _Kept] = {}
        self._changing = threading.Lock()
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sessions")

    def begin(self, key_id: str | None) -> str:
        """Begin a session of a key, or of a person on this machine, and return its token."""
        token = token_urlsafe(TOKEN_BYTES)
        digest = _digest(token)
        self._database.run(partial(store.insert_session, token_sha256=digest, key_id=key_id))
        return token

    def begin_of_person(self, person: SignedInPerson, longest: int) -> str:
        """Begin a session of a person for at most `longest` seconds, and return its token."""
        token = token_urlsafe(TOKEN_BYTES)
        insert = partial(
            store.insert_person_session,
            token_sha256=_digest(token),
            person=person,
            longest=longest,
        )
        self._database.run(insert)
        return token

    def find(self, token: str) -> StoredSession | None:
        """Return the session of a token; None: there is none, or it has ended.

        Raises:
            RetryLater: the database is unavailable.
        """
        if len(token) > LONGEST_TOKEN:
            return None
        digest, now = _digest(token), time.monotonic()
        kept = self._kept.get(digest)
        if kept is not None and now - kept.read_at < KEPT:
            return kept.session
        with self._database.reading() as cursor:
            session = store.read_session(cursor, digest)
        with self._changing:
            if session is None:
                self._kept.pop(digest, None)
                return None
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            noted_at = kept.noted_at if kept else float("-inf")
            due = now - noted_at >= SEEN_INTERVAL
            self._kept[digest] = _Kept(session, now, now if due else noted_at)
        if due:
            self._background.submit(self._note_seen, digest)
        return session

    def recognise(self, token: str) -> StoredSession | None:
        """Return a session that was read before, however long ago; never reads the table."""
        kept = self._kept.get(_digest(token)) if len(token) <= LONGEST_TOKEN else None
        return kept.session if kept else None

    def end(self, token: str) -> None:
        """End a session; other processes notice within seconds."""
        digest = _digest(token)
        self._database.run(partial(store.delete_session, token_sha256=digest))
        with self._changing:
            self._kept.pop(digest, None)

    def _note_seen(self, digest: bytes) -> None:
        with suppress(CampaignError, DriverError):
            self._database.run(partial(store.note_seen, token_sha256=digest))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
