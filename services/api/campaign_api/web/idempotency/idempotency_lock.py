"""Lock of a request on its Idempotency-Key, with the effect and the response stored under it."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from secrets import token_bytes
from threading import Event
from types import TracebackType
from typing import Any, Self

from flask import Response
from pymysql.err import Error as DriverError

from campaign_api.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from campaign_common.database import Cursor, Database
from campaign_common.errors import CampaignError
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.store.access import idempotency as store
from campaign_common.store.access.idempotency import Effect, KeyId, StoredAnswer, StoredRequest

LIFETIME = 24 * 3600
"""Seconds that a key is kept."""

LOCK_SECONDS = 30
"""Seconds without a heartbeat after which the holder of a lock counts as dead."""

HEARTBEAT = 8.0
"""Seconds between two heartbeats of a holder."""

ROWS_AT_ONCE = 1_000
"""Rows deleted in one transaction; each may hold a whole response."""

KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Link")

NOT_STORED = frozenset({408, 429})
"""Statuses below 500 that mean that nothing was done yet."""

IN_USE = "the first request of this Idempotency-Key is still under way; ask again later"
REUSED = "this Idempotency-Key came with another request before; use a key once for one intention"


class IdempotencyLock:
    """Lock on a key, extended by heartbeats while the context is entered."""

    def __init__(
        self,
        database: Database,
        key: KeyId,
        digest: bytes | None,
        *,
        keeps_answers: bool = True,
        keeps_refusals: bool = True,
    ) -> None:
        """Lock `key`; without `keeps_answers` only refusals are stored."""
        self.key = key
        self.holder = token_bytes(16)
        self.digest = digest
        self._database = database
        self._keeps_answers = keeps_answers
        self._keeps_refusals = keeps_refusals
        self._heartbeats = PeriodicThread("idempotency-lock", HEARTBEAT, self._extend)

    def __enter__(self) -> Self:
        self._heartbeats.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._heartbeats.stop(wait=False)

    def acquire(self, cursor: Cursor) -> StoredRequest:
        """Lock the key if it is free, and return what is stored under it then.

        Raises:
            IdempotencyKeyReused: it came with another request.
            IdempotencyKeyInUse: another request holds it.
        """
        stored = store.read_request(cursor, self.key, LIFETIME)
        if stored is not None and stored.is_outdated:
            store.delete_outdated(cursor, self.key, LIFETIME)
            stored = None
        if stored is None:
            store.hold_new(cursor, self.key, self.holder, self.digest, LOCK_SECONDS)
        elif self._may_lock(stored):
            store.take_over(cursor, self.key, self.holder, stored.holder, self.digest, LOCK_SECONDS)
        stored = store.read_request(cursor, self.key, LIFETIME)
        if stored is None or not (self._may_lock(stored) or stored.answer):
            raise IdempotencyKeyInUse(IN_USE)
        return stored

    def run_once(self, work: Callable[[Cursor], Any], cursor: Cursor) -> Any:  # noqa: ANN401
        """Run `work` and store its result, unless one is stored already; return the result."""
        locked = store.lock_effect(cursor, self.key, self.holder)
        if locked is None:
            raise IdempotencyKeyInUse(IN_USE)
        (effect,) = locked
        if effect is None:
            # As it will be read back, so that a repeat sees nothing else.
            effect = Effect(json.loads(json.dumps(work(cursor))))
            store.store_effect(cursor, self.key, self.holder, effect, self.digest)
        return effect.result

    def finish(self, response: Response) -> None:
        """Store the response if it is to be repeated, and release the key.

        Never fails: the next request of the key finds out what could not be stored.
        """
        status = response.status_code
        is_last_word = status < 500 and status not in NOT_STORED
        is_kept = self._keeps_refusals if status >= 400 else self._keeps_answers
        stored = self.digest is not None and is_last_word and is_kept
        with suppress(CampaignError, DriverError):
            self._database.run(partial(self._store, response) if stored else self._release)

    def _store(self, response: Response, cursor: Cursor) -> None:
        headers = {
            name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
        }
        answer = StoredAnswer(response.status_code, headers, response.get_data())
        store.store_answer(cursor, self.key, self.holder, self.digest, answer)

    def _release(self, cursor: Cursor) -> None:
        store.let_go(cursor, self.key, self.holder)

    def _may_lock(self, stored: StoredRequest) -> bool:
        if None not in (self.digest, stored.request_sha256) and (
            self.digest != stored.request_sha256
        ):
            raise IdempotencyKeyReused(REUSED)
        return stored.answer is None and (stored.holder == self.holder or not stored.is_held)

    def _extend(self) -> None:
        self._database.run(lambda cursor: store.extend(cursor, self.key, self.holder, LOCK_SECONDS))


def delete_outdated_keys(database: Database, stop: Event) -> None:
    """Delete outdated keys; may stop at any moment."""
    deleted = ROWS_AT_ONCE
    while deleted == ROWS_AT_ONCE and not stop.is_set():
        deleted = database.run(
            lambda cursor: store.delete_some_outdated(cursor, LIFETIME, ROWS_AT_ONCE)
        )
