"""web_sessions and failed_sign_ins: who is signed in to the dashboard, and who tried to."""

from typing import NamedTuple

from pymysql.cursors import Cursor

IDLE_HOURS = 8
"""Hours without a request after which a session ends."""

LONGEST_HOURS = 24
"""Hours after which a session ends in any case."""

WINDOW = 60
"""Seconds for which a failed sign-in counts."""


class SignedInPerson(NamedTuple):
    """A person whom an OpenID provider has identified."""

    id: str
    """16 hexadecimal digits, as the id of a key; of the issuer and its `sub`."""
    name: str
    issuer: str
    claim_value: str
    """The value of the claim that the person's scope follows from."""


class StoredSession(NamedTuple):
    """A session that has not ended."""

    key_id: str | None
    """None without `person`: a person on the API's own machine, while no key exists."""
    person: SignedInPerson | None = None


INSERT = f"""
INSERT INTO web_sessions (token_sha256, key_id, made_at, seen_at, ends_at)
VALUES (%s, %s, NOW(6), NOW(6), NOW(6) + INTERVAL {IDLE_HOURS} HOUR)
"""

INSERT_PERSON = f"""
INSERT INTO web_sessions (token_sha256, person_id, person_name, issuer, claim_value,
                          made_at, seen_at, ends_at, latest_at)
VALUES (%s, %s, %s, %s, %s, NOW(6), NOW(6),
        NOW(6) + INTERVAL LEAST({IDLE_HOURS} * 3600, %s) SECOND, NOW(6) + INTERVAL %s SECOND)
"""

SELECT = """
SELECT key_id, person_id, person_name, issuer, claim_value
FROM web_sessions WHERE token_sha256 = %s AND ends_at > NOW(6)
"""

# A session that has ended meanwhile stays so.
NOTE_SEEN = f"""
UPDATE web_sessions SET seen_at = NOW(6),
  ends_at = LEAST(NOW(6) + INTERVAL {IDLE_HOURS} HOUR,
                  COALESCE(latest_at, made_at + INTERVAL {LONGEST_HOURS} HOUR))
WHERE token_sha256 = %s AND ends_at > NOW(6)
"""

DELETE = "DELETE FROM web_sessions WHERE token_sha256 = %s"

DELETE_ENDED = "DELETE FROM web_sessions WHERE ends_at <= NOW(6) ORDER BY ends_at LIMIT %s"

INSERT_FAILED = "INSERT INTO failed_sign_ins (address, failed_at) VALUES (%s, NOW(6))"

SELECT_FAILED = f"""
SELECT COUNT(*), COALESCE({WINDOW} - TIMESTAMPDIFF(SECOND, MIN(failed_at), NOW(6)), 0)
FROM failed_sign_ins WHERE address = %s AND failed_at > NOW(6) - INTERVAL {WINDOW} SECOND
"""

DELETE_FAILED = "DELETE FROM failed_sign_ins WHERE id = %s"

DELETE_OLD_FAILED = f"""
DELETE FROM failed_sign_ins WHERE failed_at <= NOW(6) - INTERVAL {WINDOW} SECOND
ORDER BY failed_at LIMIT %s
"""


class FailedSignIns(NamedTuple):
    """Failed sign-ins of an address within `WINDOW`, and seconds until there is one less."""

    number: int
    seconds: int


def insert_session(cursor: Cursor, token_sha256: bytes, key_id: str | None) -> None:
    """Store a session that begins now."""
    cursor.execute(INSERT, (token_sha256, key_id))


def insert_person_session(
    cursor: Cursor, token_sha256: bytes, person: SignedInPerson, longest: int
) -> None:
    """Store a session of a person that begins now, and lasts `longest` seconds at most."""
    cursor.execute(INSERT_PERSON, (token_sha256, *person, longest, longest))


def read_session(cursor: Cursor, token_sha256: bytes) -> StoredSession | None:
    """Read a session; None: there is none, or it has ended."""
    cursor.execute(SELECT, (token_sha256,))
    row = cursor.fetchone()
    if row is None:
        return None
    key_id, person_id, *others = row
    return StoredSession(key_id, None if person_id is None else SignedInPerson(person_id, *others))


def note_seen(cursor: Cursor, token_sha256: bytes) -> None:
    """Note that a session was used now, which puts its end off."""
    cursor.execute(NOTE_SEEN, (token_sha256,))


def delete_session(cursor: Cursor, token_sha256: bytes) -> None:
    """End a session."""
    cursor.execute(DELETE, (token_sha256,))


def delete_ended_sessions(cursor: Cursor, limit: int) -> int:
    """Delete up to `limit` sessions that have ended, and as many old failures; return how many."""
    return cursor.execute(DELETE_ENDED, (limit,)) + cursor.execute(DELETE_OLD_FAILED, (limit,))


def insert_failed(cursor: Cursor, address: str) -> int:
    """Store a sign-in of an address as failed, and return its id."""
    cursor.execute(INSERT_FAILED, (address,))
    return int(cursor.lastrowid)


def count_failed(cursor: Cursor, address: str) -> FailedSignIns:
    """Count the failed sign-ins of an address."""
    cursor.execute(SELECT_FAILED, (address,))
    row = cursor.fetchone() or (0, 0)
    return FailedSignIns(int(row[0]), int(row[1]))


def delete_failed(cursor: Cursor, failed_id: int) -> None:
    """Delete a sign-in that did not fail, or was not tried."""
    cursor.execute(DELETE_FAILED, (failed_id,))
