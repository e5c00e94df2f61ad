"""erased_people: the keyed hashes of people who were erased, and how imports come to know them.

An erasure locks the position exclusively while it adds a hash; a transaction that adds recipients
or makes a list ready locks it in share mode. So either the recipients were committed before the
hash, and the erasure finds them in their list, or the transaction reads the hash.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from pymysql.cursors import Cursor

from campaign_common.domain.erasure.erasure_key import packed
from campaign_common.store.core.person_hashes import read_person_hashes

# LOCK IN SHARE MODE is what both MySQL and MariaDB understand.
LOCK_SHARED = "SELECT last_id FROM erased_people_position WHERE id = 1 LOCK IN SHARE MODE"

LOCK = "SELECT last_id FROM erased_people_position WHERE id = 1 FOR UPDATE"

SELECT_POSITION = "SELECT last_id FROM erased_people_position WHERE id = 1"

# Somebody who is erased again gets a new id, for imports that leave out only who is erased later.
ADD = "REPLACE INTO erased_people (key_id, person_hash, erased_at) VALUES (%s, %s, NOW(6))"

MOVE = "UPDATE erased_people_position SET last_id = %s WHERE id = 1"

SELECT_KEYS = "SELECT DISTINCT key_id FROM erased_people"

NOTE_RECONSENTED = """
INSERT IGNORE INTO reconsented_lists (list_id, actor, imported_at) VALUES (%s, %s, NOW(6))
"""


def lock_erased_people(cursor: Cursor) -> None:
    """Wait until no import is in the middle of a transaction, and hold the next ones up."""
    cursor.execute(LOCK)


def hold_erased_people(cursor: Cursor) -> int:
    """Let no person be erased until the transaction ends; return the id of the newest hash."""
    cursor.execute(LOCK_SHARED)
    return _position(cursor)


def last_erased_id(cursor: Cursor) -> int:
    """Return the id of the newest hash, without a lock."""
    cursor.execute(SELECT_POSITION)
    return _position(cursor)


def add_erased_person(cursor: Cursor, key_id: str, person_hash: int) -> None:
    """Add the hash of somebody; requires `lock_erased_people`, and may be repeated."""
    cursor.execute(ADD, (key_id, packed(person_hash)))
    cursor.execute(MOVE, (cursor.lastrowid,))


def read_erased_people(
    cursor: Cursor, *, after_id: int, last_id: int
) -> Mapping[str, Sequence[int]]:
    """Read the hashes with after_id < id <= last_id, by the id of their key.

    Ids rise in the order of commits; 100,000 may be asked for at a time.

    Raises:
        ValueError: the database has cut a value.
    """
    return read_person_hashes(cursor, "erased_people", after_id=after_id, last_id=last_id)


def key_ids(cursor: Cursor) -> AbstractSet[str]:
    """Return the ids of the keys that hashes were made with."""
    cursor.execute(SELECT_KEYS)
    return {row[0] for row in cursor.fetchall()}


def note_reconsented(cursor: Cursor, list_id: int, actor: str) -> None:
    """Note who said that the people of a list have consented again."""
    cursor.execute(NOTE_RECONSENTED, (list_id, actor))


def _position(cursor: Cursor) -> int:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("erased_people_position has no row; migration 0020 inserts it")
    return int(row[0])
