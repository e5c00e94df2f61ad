"""idempotency_keys: requests that came under an Idempotency-Key, what they did and answered.

A row is held by one request at a time, until a time by the database's clock that its holder
moves on. Every write of a holder names it, so that one which was taken for dead writes nothing.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymysql.cursors import Cursor


class KeyId(NamedTuple):
    """An idempotency key, and the API key that it belongs to."""

    owner: str
    key: str


class Effect(NamedTuple):
    """The effect of a request, as its own code wrote it down."""

    result: Any


class StoredAnswer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StoredRequest(NamedTuple):
    """A row: `effect` is None until the request has done something, `status` until it answered."""

    request_sha256: bytes | None
    holder: bytes
    is_held: bool
    is_outdated: bool
    effect: Effect | None
    answer: StoredAnswer | None


INSERT_HELD = """
INSERT IGNORE INTO idempotency_keys
  (api_key_id, idempotency_key, request_sha256, holder, locked_until, created_at)
VALUES (%s, %s, %s, %s, NOW(6) + INTERVAL %s SECOND, NOW(6))
"""

SELECT_REQUEST = """
SELECT request_sha256, holder, locked_until > NOW(6), created_at < NOW(6) - INTERVAL %s SECOND,
       effect, status, headers, body
FROM idempotency_keys WHERE api_key_id = %s AND idempotency_key = %s
"""

TAKE_OVER = """
UPDATE idempotency_keys
SET holder = %s, locked_until = NOW(6) + INTERVAL %s SECOND,
    request_sha256 = COALESCE(request_sha256, %s)
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s AND locked_until <= NOW(6)
  AND answered_at IS NULL
"""

DELETE_OUTDATED = """
DELETE FROM idempotency_keys
WHERE api_key_id = %s AND idempotency_key = %s AND locked_until <= NOW(6)
  AND created_at < NOW(6) - INTERVAL %s SECOND
"""

EXTEND = """
UPDATE idempotency_keys SET locked_until = NOW(6) + INTERVAL %s SECOND
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s AND answered_at IS NULL
"""

LOCK_EFFECT = """
SELECT effect FROM idempotency_keys
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s AND answered_at IS NULL FOR UPDATE
"""

STORE_EFFECT = """
UPDATE idempotency_keys SET effect = %s, request_sha256 = %s
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s
"""

STORE_ANSWER = """
UPDATE idempotency_keys
SET request_sha256 = %s, answered_at = NOW(6), status = %s, headers = %s, body = %s,
    locked_until = NOW(6)
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s
"""

FORGET = """
DELETE FROM idempotency_keys
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s AND effect IS NULL
"""

LET_GO = """
UPDATE idempotency_keys SET locked_until = NOW(6)
WHERE api_key_id = %s AND idempotency_key = %s AND holder = %s
"""

DELETE_SOME_OUTDATED = """
DELETE FROM idempotency_keys
WHERE created_at < NOW(6) - INTERVAL %s SECOND AND locked_until <= NOW(6)
ORDER BY created_at LIMIT %s
"""


def hold_new(
    cursor: Cursor, key: KeyId, holder: bytes, request_sha256: bytes | None, seconds: int
) -> None:
    """Hold a key that is not used yet; without effect if it is."""
    cursor.execute(INSERT_HELD, (*key, request_sha256, holder, seconds))


def read_request(cursor: Cursor, key: KeyId, lifetime: int) -> StoredRequest | None:
    """Read what stands under a key; one is outdated after `lifetime` seconds."""
    cursor.execute(SELECT_REQUEST, (lifetime, *key))
    row = cursor.fetchone()
    if row is None:
        return None
    digest, holder, is_held, is_outdated, effect, status, headers, body = row
    return StoredRequest(
        None if digest is None else bytes(digest),
        bytes(holder),
        bool(is_held),
        bool(is_outdated),
        None if effect is None else Effect(json.loads(effect)),
        None if status is None else StoredAnswer(status, json.loads(headers), bytes(body)),
    )


def take_over(
    cursor: Cursor,
    key: KeyId,
    holder: bytes,
    dead: bytes,
    request_sha256: bytes | None,
    seconds: int,
) -> None:
    """Hold a key whose holder `dead` has let its time pass."""
    cursor.execute(TAKE_OVER, (holder, seconds, request_sha256, *key, dead))


def delete_outdated(cursor: Cursor, key: KeyId, lifetime: int) -> None:
    """Forget a key that was first used more than `lifetime` seconds ago."""
    cursor.execute(DELETE_OUTDATED, (*key, lifetime))


def extend(cursor: Cursor, key: KeyId, holder: bytes, seconds: int) -> None:
    """Hold a key for `seconds` from now; without effect once another request holds it."""
    cursor.execute(EXTEND, (seconds, *key, holder))


def lock_effect(cursor: Cursor, key: KeyId, holder: bytes) -> tuple[Effect | None] | None:
    """Lock the row of a key and return what was done under it; None when it is not held."""
    cursor.execute(LOCK_EFFECT, (*key, holder))
    row = cursor.fetchone()
    if row is None:
        return None
    return (None if row[0] is None else Effect(json.loads(row[0])),)


def store_effect(
    cursor: Cursor, key: KeyId, holder: bytes, effect: Effect, request_sha256: bytes | None
) -> None:
    """Write down what is done under a key in this transaction."""
    cursor.execute(STORE_EFFECT, (json.dumps(effect.result), request_sha256, *key, holder))


def store_answer(
    cursor: Cursor, key: KeyId, holder: bytes, request_sha256: bytes | None, answer: StoredAnswer
) -> None:
    """Write down the answer, which ends the hold."""
    headers = json.dumps(dict(answer.headers))
    cursor.execute(
        STORE_ANSWER, (request_sha256, answer.status, headers, answer.body, *key, holder)
    )


def let_go(cursor: Cursor, key: KeyId, holder: bytes) -> None:
    """End a hold without an answer; a key under which nothing was done is forgotten."""
    cursor.execute(FORGET, (*key, holder))
    cursor.execute(LET_GO, (*key, holder))


def delete_some_outdated(cursor: Cursor, lifetime: int, limit: int) -> int:
    """Delete up to `limit` rows that are older than `lifetime` seconds; returns how many."""
    return cursor.execute(DELETE_SOME_OUTDATED, (lifetime, limit))
