"""suppression_hashes: suppressions of erased people, with a keyed hash in place of the number.

An erasure turns the rows of a person's number into these. Where the number is stored again, they
are put back into suppressions in the same transaction. So a look-up by the number is all that
senders need.

A transaction that changes both locks the position of erased people first, where it locks that at
all, then rows of suppression_hashes, by key, hash and scope, then rows of suppressions, by number
and scope.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.core.person_hashes import read_person_hashes
from campaign_common.store.suppressions.listing import SuppressionFilter
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    add_suppressions,
    note_removal,
    remove_suppression,
)

NOBODY = ""
"""Number of a change whose person is known by the hash alone."""

SLICE = 1_000
"""People looked up by one statement."""


class HashedPerson(NamedTuple):
    """A person by the hash of the number under one key."""

    key_id: str
    person_hash: bytes


_KEPT = "scope, reason, source, since, until"

_IN_FORCE = "(until IS NULL OR until > NOW(6))"

LOCK_OF_NUMBER = f"SELECT {_KEPT}, {_IN_FORCE} FROM suppressions WHERE phone = %s FOR UPDATE"

# By scope: one that another transaction adds meanwhile stays.
DELETE_OF_NUMBER = "DELETE FROM suppressions WHERE phone = %s AND scope IN %s"

ADD = f"""
INSERT INTO suppression_hashes (key_id, person_hash, {_KEPT}) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE since = LEAST(since, VALUES(since)),
  until = IF(until IS NULL OR VALUES(until) IS NULL, NULL, GREATEST(until, VALUES(until)))
"""

LOCK = f"""
SELECT id, person_hash, {_KEPT} FROM suppression_hashes
WHERE key_id = %s AND person_hash IN %s FOR UPDATE
"""

DELETE = "DELETE FROM suppression_hashes WHERE id IN %s"

SELECT = f"""
SELECT {_KEPT} FROM suppression_hashes WHERE key_id = %s AND person_hash = %s ORDER BY scope
"""

SELECT_SCOPES = f"""
SELECT scope FROM suppression_hashes WHERE key_id = %s AND person_hash = %s AND {_IN_FORCE}
"""

LIFT = "DELETE FROM suppression_hashes WHERE key_id = %s AND person_hash = %s AND scope = %s"

SELECT_LAST_ID = "SELECT COALESCE(MAX(id), 0) FROM suppression_hashes"

SELECT_KEYS = "SELECT DISTINCT key_id FROM suppression_hashes"

COUNT = "SELECT COUNT(*) FROM suppression_hashes WHERE TRUE"

DELETE_ENDED = "DELETE FROM suppression_hashes WHERE until <= NOW(6) LIMIT %s"


def hash_suppressions(cursor: Cursor, phone: str, person: HashedPerson) -> None:
    """Leave a person's suppressions under the hash instead of the number; may be repeated.

    Of those that are over nothing stays. No import may be in the middle of a transaction.
    """
    cursor.execute(LOCK, (person.key_id, [person.person_hash]))
    cursor.execute(LOCK_OF_NUMBER, (phone,))
    found = cursor.fetchall()
    if not found:
        return
    for *kept, in_force in found:
        if in_force:
            cursor.execute(ADD, (*person, *kept))
    cursor.execute(DELETE_OF_NUMBER, (phone, [scope for scope, *_ in found]))


def restore_suppressions(
    cursor: Cursor,
    people: Mapping[str, Sequence[HashedPerson]],
    actor: str,
    before: Suppression | None = None,
) -> int:
    """Put the suppressions of people, by their numbers, back under these; return how many.

    One that is there already never gets shorter. Each is a change. May be repeated. `before`: the
    transaction puts this one next, so that its row is locked among the others, in their order.
    """
    phones = {person: phone for phone, hashed in people.items() for person in hashed}
    ids: list[int] = []
    restored: list[Suppression] = []
    for key_id, hashes in _by_key(phones):
        cursor.execute(LOCK, (key_id, hashes))
        for id_, person_hash, *kept in cursor.fetchall():
            ids.append(id_)
            restored.append(Suppression(phones[HashedPerson(key_id, person_hash)], *kept))
    if ids:
        add_suppressions(cursor, restored, actor, before)
        cursor.execute(DELETE, (ids,))
    return len(ids)


def lift_suppression(
    cursor: Cursor, phone: str, hashed: Sequence[HashedPerson], scope: str, actor: str
) -> bool:
    """Remove a suppression of a number and of its hashes; return whether there was one.

    Of a removal by the hash alone the change has no number.
    """
    lifted = sum(cursor.execute(LIFT, (*person, scope)) for person in sorted(hashed))
    if remove_suppression(cursor, phone, scope, actor):
        return True
    if lifted:
        note_removal(cursor, NOBODY, scope, actor)
    return lifted > 0


def hashed_suppressions_of(
    cursor: Cursor, phone: str, hashed: Sequence[HashedPerson]
) -> list[Suppression]:
    """Return the suppressions of a number that stand under its hashes, also those that are over."""
    found = []
    for person in hashed:
        cursor.execute(SELECT, person)
        found += [Suppression(phone, *kept) for kept in cursor.fetchall()]
    return found


def look_up_hashed_scopes(cursor: Cursor, hashed: Sequence[HashedPerson]) -> list[str]:
    """Return the scopes of the suppressions in force that stand under a number's hashes."""
    found = []
    for person in hashed:
        cursor.execute(SELECT_SCOPES, person)
        found += [scope for (scope,) in cursor.fetchall()]
    return found


def count_hashed_suppressions(cursor: Cursor, wanted: SuppressionFilter) -> int:
    """Return how many suppressions stand under a hash, also those that are over."""
    filters = {name: value for name, value in wanted._asdict().items() if value is not None}
    cursor.execute(COUNT + "".join(f" AND {name} = %s" for name in filters), [*filters.values()])
    (count,) = cursor.fetchone()  # type: ignore[misc]
    return int(count)


def delete_ended_hashes(cursor: Cursor, limit: int) -> int:
    """Delete suppressions under a hash that are over; return how many."""
    return cursor.execute(DELETE_ENDED, (limit,))


def last_suppression_hash(cursor: Cursor) -> int:
    """Return the id of the newest hash; the ids of later ones are higher."""
    cursor.execute(SELECT_LAST_ID)
    (last_id,) = cursor.fetchone()  # type: ignore[misc]
    return int(last_id)


def read_suppression_hashes(
    cursor: Cursor, *, after_id: int, last_id: int
) -> Mapping[str, Sequence[int]]:
    """Read the hashes with after_id < id <= last_id, by the id of their key.

    Raises:
        ValueError: the database has cut a value.
    """
    return read_person_hashes(cursor, "suppression_hashes", after_id=after_id, last_id=last_id)


def suppression_key_ids(cursor: Cursor) -> AbstractSet[str]:
    """Return the ids of the keys that hashes were made with."""
    cursor.execute(SELECT_KEYS)
    return {row[0] for row in cursor.fetchall()}


def _by_key(people: Mapping[HashedPerson, str]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the id of a key and some hashes with it, in the order of both."""
    ordered = sorted(people)
    for key_id in sorted({person.key_id for person in ordered}):
        hashes = [person.person_hash for person in ordered if person.key_id == key_id]
        for start in range(0, len(hashes), SLICE):
            yield key_id, hashes[start : start + SLICE]
