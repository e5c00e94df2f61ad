"""Idempotency-Key: a request that is sent again is carried out once, and answered alike.

What holds, for 24 hours from the first request of a key, by the same API key:

- Of requests that race, in whichever process, one holds the key; the others get a 409 at once.
- Another request under a used key (method, path, query or body differ) gets a 422.
- What a view does through `Claim.once` is committed together with a note of it in the key's row.
  After a crash between that commit and the stored answer, the next request of the key finds the
  note, does nothing again, and answers from it. After a crash before that commit nothing was done.
- A holder that died frees its key within 30 seconds (`held_key.HOLD`). One that was only taken
  for dead, and goes on, cannot commit: the note demands that it still holds the key.
- Answers below 500 are stored as they went out, but for 408 and 429, which say that nothing was
  done yet. A 5xx is not: the next request of the key goes on from what the note says. So it does
  where the answer tells of a person, who may be erased meanwhile.
"""

import re
from collections.abc import Callable
from functools import partial, wraps
from hashlib import sha256
from typing import Any

from flask import Flask, Response, g, request
from pymysql.err import Error as DriverError
from werkzeug.exceptions import HTTPException

from campaign_api.errors import KeyReused, RequestInvalid, WrongField
from campaign_api.retrying_transactions import Patience
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotency_lock import REUSED, Hold
from campaign_api.web.routing.view_metadata import Repeats, repeats_of
from campaign_common.database import Cursor, Database
from campaign_common.errors import CampaignError
from campaign_common.store.idempotency import KeyId, StoredAnswer, StoredRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

FIRST_REFUSAL = 400
"""The status from which on an answer is none of the request that went before."""

PATIENCE = 5.0
"""Seconds for which taking a key is tried again while the database is away."""

_KEY = re.compile(r"[ -~]{1,255}")

View = Callable[..., Any]


class Repeated(Exception):
    """The request was answered before; this is the answer."""

    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer
        super().__init__("answered before")


class Claim:
    """What the present request may do under its Idempotency-Key; without one, anything."""

    def __init__(self, hold: Hold | None = None, before: StoredRequest | None = None) -> None:
        self._hold = hold
        self._before = before

    @property
    def carried_out(self) -> bool:
        """Tell whether an earlier request of this key has done what this one asks for."""
        return self._before is not None and bool(self._before.effect or self._before.answer)

    @property
    def result(self) -> Any:  # noqa: ANN401 - whatever the view's own work returned
        """What the earlier request's work returned."""
        return self._before.effect.result if self._before and self._before.effect else None

    def confirm(self, content: bytes) -> None:
        """Compare a streamed body, by the digest of its content, with that of the earlier request.

        Raises:
            KeyReused: it is another one.
            Repeated: it is the same, and was answered; ends the view.
        """
        if self._hold is None or self._before is None:
            return
        digest = _digest(content)
        if self._before.request_sha256 not in (None, digest):
            raise KeyReused(REUSED)
        self._hold.digest = digest
        if self._before.answer is not None:
            raise Repeated(self._before.answer)

    def once(
        self,
        patience: Patience,
        work: Callable[[Cursor], Any],
        content: bytes | None = None,
    ) -> Any:  # noqa: ANN401 - what `work` returns
        """Run `work` in a transaction unless an earlier request of this key did, for its result.

        `work` returns what JSON can hold, and uses nothing but its cursor. `content` is the
        digest of a streamed body.

        Raises:
            KeyInUse: this request was taken for dead and another one holds the key; nothing
                was done.
            RetryLater: the database is unavailable.
        """
        if self._hold is None:
            return patience.run(work)
        if content is not None:
            self._hold.digest = _digest(content)
        return patience.run(partial(self._hold.note, work))


class Idempotency:
    """Wraps the views that take an Idempotency-Key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._patience = Patience(database, PATIENCE)

    def register(self, app: Flask) -> None:
        """Wrap the views of `app` that are marked; all of them are registered by now."""
        for endpoint, view in app.view_functions.items():
            repeats = repeats_of(view)
            if repeats is not None:
                app.view_functions[endpoint] = self._wrap(app, view, repeats)

    def _wrap(self, app: Flask, view: View, repeats: Repeats) -> View:
        @wraps(view)
        def answer(**arguments: object) -> Response:
            if HEADER not in request.headers:
                return app.make_response(view(**arguments))
            hold = self._hold(request.headers[HEADER], repeats)
            before = self._patience.run(hold.take)
            if before.answer is not None and repeats is not Repeats.STREAMED:
                return _replay(before.answer)
            g.claim = Claim(hold, before)
            with hold:
                response = self._carry_out(app, partial(view, **arguments), hold)
            told_again = repeats is not Repeats.WHOLE and before.effect is not None
            if told_again and response.status_code < FIRST_REFUSAL:
                response.headers[REPLAYED] = "true"
            return response

        return answer

    def _hold(self, key: str, repeats: Repeats) -> Hold:
        if not _KEY.fullmatch(key):
            said = "must have 1 to 255 printable ASCII characters"
            raise RequestInvalid([WrongField(HEADER, said)])
        digest = None
        if repeats is not Repeats.STREAMED:
            digest = _digest(sha256(request.get_data()).digest())
        key_id = KeyId(caller().key_id, key)
        keeps_answers = repeats is Repeats.WHOLE
        return Hold(self._database, key_id, digest, keeps_answers=keeps_answers)

    def _carry_out(self, app: Flask, view: Callable[[], Any], hold: Hold) -> Response:
        try:
            response = app.make_response(view())
        except Repeated as repeated:
            return _replay(repeated.answer)
        except (CampaignError, HTTPException, DriverError) as error:
            response = app.make_response(app.handle_user_exception(error))
        except BaseException:
            hold.end(Response(status=500))
            raise
        hold.end(response)
        return response


def claim() -> Claim:
    """Return what the present request may do under its Idempotency-Key."""
    found: Claim = g.get("claim", Claim())
    return found


def _digest(content: bytes) -> bytes:
    """Digest the present request; `content` stands for its body."""
    parts = (request.method, request.path, request.query_string.decode("latin-1"))
    return sha256("\0".join(parts).encode() + b"\0" + content).digest()


def _replay(answer: StoredAnswer) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers))
    response.headers[REPLAYED] = "true"
    return response
