"""Idempotency-Key: a repeated request is carried out once, and gets the same response.

For 24 hours from the first request of a key, and for the same API key:

- Of concurrent requests, in whichever process, one locks the key; the others get a 409 at once.
- Another request under a used key (method, path, query or body differ) gets a 422.
- The effect of `IdempotentRequest.run_once` is committed together with its result, which is stored
  in the key's row. After a crash between that commit and the stored response, the next request of
  the key finds the result, does nothing again, and responds with it. After a crash before that
  commit nothing was done.
- The lock of a dead process ends after 30 seconds (`idempotency_lock.LOCK_SECONDS`). A process that
  was only thought dead cannot commit: storing the result requires that it still has the lock.
- Responses below 500 are stored as they were sent, except 408 and 429, which mean that nothing was
  done yet. After a 5xx the next request of the key continues from the stored result, and so it does
  if the response contains personal data, since the person may be erased meanwhile.
"""

import re
import time
from collections.abc import Callable
from functools import partial, wraps
from hashlib import sha256
from typing import Any

from flask import Flask, Response, g, request
from pymysql.err import Error as DriverError
from werkzeug.exceptions import HTTPException

from campaign_api.errors import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidField,
    RequestInvalid,
)
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotency_lock import REUSED, IdempotencyLock
from campaign_api.web.routing.view_metadata import IdempotencyMode, idempotency_mode_of
from campaign_common.database import Cursor, Database
from campaign_common.errors import CampaignError
from campaign_common.store.access.idempotency import KeyId, StoredAnswer, StoredRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

FIRST_REFUSAL = 400
"""Statuses from here on are errors, which are never a replay of the earlier effect."""

RETRY_SECONDS = 5.0
"""Seconds for which taking a key is retried while the database is down."""

FORM_FIELD = "idempotency_key"
"""The field of a page's form that has the key, or the parameter of one with a file."""

FORM_PATIENCE = 5.0
"""Seconds that a form waits for the first request of its key."""

FORM_PAUSE = 0.1

_KEY = re.compile(r"[ -~]{1,255}")


class AlreadyAnswered(Exception):
    """The request was answered before, with this response."""

    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer
        super().__init__("answered before")


class IdempotentRequest:
    """The current request under its Idempotency-Key, or without one."""

    def __init__(
        self, lock: IdempotencyLock | None = None, before: StoredRequest | None = None
    ) -> None:
        self._lock = lock
        self._before = before

    @property
    def carried_out(self) -> bool:
        """Return whether an earlier request of this key did what this one asks for."""
        return self._before is not None and bool(self._before.effect or self._before.answer)

    @property
    def result(self) -> Any:  # noqa: ANN401 - whatever the view's own work returned
        """Result of the earlier request's work."""
        return self._before.effect.result if self._before and self._before.effect else None

    def confirm(self, content: bytes) -> None:
        """Compare a streamed body, by the digest of its content, with that of the earlier request.

        Raises:
            IdempotencyKeyReused: it is another one.
            AlreadyAnswered: it is the same, and was answered; ends the view.
        """
        if self._lock is None or self._before is None:
            return
        digest = _digest(content)
        if self._before.request_sha256 not in (None, digest):
            raise IdempotencyKeyReused(REUSED)
        self._lock.digest = digest
        if self._before.answer is not None:
            raise AlreadyAnswered(self._before.answer)

    def run_once(
        self,
        transactions: RetryingTransactions,
        work: Callable[[Cursor], Any],
        content: bytes | None = None,
    ) -> Any:  # noqa: ANN401 - what `work` returns
        """Run `work` in a transaction unless an earlier request of this key did, for its result.

        `work` returns what JSON can hold, and uses nothing but its cursor. `content` is the
        digest of a streamed body.

        Raises:
            IdempotencyKeyInUse: another request has taken the lock over; nothing was done.
            RetryLater: the database is unavailable.
        """
        if self._lock is None:
            return transactions.run(work)
        if content is not None:
            self._lock.digest = _digest(content)
        return transactions.run(partial(self._lock.run_once, work))


class Idempotency:
    """Wrapper of the views that accept an Idempotency-Key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)

    def register(self, app: Flask) -> None:
        """Wrap the views of `app` that are marked; all of them are registered by now."""
        for endpoint, view in app.view_functions.items():
            mode = idempotency_mode_of(view)
            if mode is not None:
                app.view_functions[endpoint] = self._wrap(app, view, mode)

    def _wrap(
        self, app: Flask, view: Callable[..., Any], mode: IdempotencyMode
    ) -> Callable[..., Any]:
        @wraps(view)
        def answer(**arguments: object) -> Response:
            key = _key_sent(mode)
            if key is None:
                return app.make_response(view(**arguments))
            lock = self._lock_of(key, mode)
            before = self._acquire(lock, mode)
            if before.answer is not None and not mode.is_streamed:
                return _replay(before.answer)
            g.idempotent_request = IdempotentRequest(lock, before)
            with lock:
                response = self._carry_out(app, partial(view, **arguments), lock)
            is_replay = mode is not IdempotencyMode.WHOLE and before.effect is not None
            if is_replay and response.status_code < FIRST_REFUSAL:
                response.headers[REPLAYED] = "true"
            return response

        return answer

    def _lock_of(self, key: str, mode: IdempotencyMode) -> IdempotencyLock:
        if not _KEY.fullmatch(key):
            message = "must have 1 to 255 printable ASCII characters"
            raise RequestInvalid([InvalidField(HEADER, message)])
        digest = None
        if not mode.is_streamed:
            digest = _digest(sha256(request.get_data()).digest())
        return IdempotencyLock(
            self._database,
            KeyId(caller().key_id, key),
            digest,
            keeps_answers=mode in (IdempotencyMode.WHOLE, IdempotencyMode.FORM),
            keeps_refusals=not mode.is_of_a_form,
        )

    def _acquire(self, lock: IdempotencyLock, mode: IdempotencyMode) -> StoredRequest:
        """Lock a key; a form that is sent twice at once waits, as only its last answer is seen."""
        deadline = time.monotonic() + (FORM_PATIENCE if mode.is_of_a_form else 0)
        while True:
            try:
                return self._transactions.run(lock.acquire)
            except IdempotencyKeyInUse:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(FORM_PAUSE)

    def _carry_out(self, app: Flask, view: Callable[[], Any], lock: IdempotencyLock) -> Response:
        try:
            response = app.make_response(view())
        except AlreadyAnswered as answered:
            return _replay(answered.answer)
        except (CampaignError, HTTPException, DriverError) as error:
            response = app.make_response(app.handle_user_exception(error))
        except BaseException:
            lock.finish(Response(status=500))
            raise
        lock.finish(response)
        return response


def idempotent_request() -> IdempotentRequest:
    """Return the current request as its Idempotency-Key has it."""
    found: IdempotentRequest = g.get("idempotent_request", IdempotentRequest())
    return found


def _key_sent(mode: IdempotencyMode) -> str | None:
    if mode is IdempotencyMode.STREAMED_FORM:
        return request.args.get(FORM_FIELD, "")
    if not mode.is_of_a_form:
        return request.headers.get(HEADER)
    request.get_data()  # kept, for the digest: to read the form takes it
    return request.form.get(FORM_FIELD, "")


def _digest(content: bytes) -> bytes:
    """Return the digest of the current request; `content` stands for its body."""
    parts = (request.method, request.path, request.query_string.decode("latin-1"))
    return sha256("\0".join(parts).encode() + b"\0" + content).digest()


def _replay(answer: StoredAnswer) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers))
    response.headers[REPLAYED] = "true"
    return response
