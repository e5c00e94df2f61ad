"""erasures, and what an erasure changes elsewhere: every trace of one person's number.

An erasure is carried out in small transactions; its row says which step is next and how far
that one is, so that any process goes on where another one died.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import lcm
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.erasure.erasure_key import ErasureKey, packed
from campaign_common.domain.recipient import ListId, tombstone
from campaign_common.domain.shard import shard_of
from campaign_common.errors import ErasureHeld
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.erased_people import add_erased_person, lock_erased_people
from campaign_common.store.shards.shard_commands import request_erasure
from campaign_common.store.suppressions.hashed_suppressions import HashedPerson, hash_suppressions

MOST_MODULUS = 65_535
"""recipients.erased_shard_count holds no more."""

REASON = "a recipient was erased"


class ErasureStep(StrEnum):
    """The next step of an erasure; the steps come in this order."""

    RECIPIENTS = "recipients"
    REJECTS = "rejects"
    DEAD_LETTERS = "dead_letters"
    DONE = "done"


class Erasure(NamedTuple):
    """A person who is to be forgotten, in the lists up to `last_list_id`."""

    id: int
    phone: str
    actor: str
    last_list_id: int
    step: ErasureStep
    after_list_id: ListId
    after_line: int


class RejectedText(NamedTuple):
    """The text of one rejected row."""

    line: int
    raw_text: str


# The newest list bounds what is erased: what is imported later is compared with the hash.
INSERT = """
INSERT INTO erasures (phone, actor, requested_at, last_list_id, step)
SELECT %s, %s, NOW(6), COALESCE(MAX(id), 0), %s FROM recipient_lists
"""

_COLUMNS = "id, phone, actor, last_list_id, step, after_list_id, after_line"

SELECT_ORDERED = f"""
SELECT {_COLUMNS} FROM erasures WHERE ended_at IS NULL AND phone = %s ORDER BY id DESC LIMIT 1
"""

SELECT_LEFT = f"""
SELECT {_COLUMNS} FROM erasures
WHERE ended_at IS NULL AND step IN %s AND requested_at <= NOW(6) - INTERVAL %s SECOND
ORDER BY id LIMIT %s
"""

MOVE = "UPDATE erasures SET step = %s, after_list_id = %s, after_line = %s WHERE id = %s"

END = "UPDATE erasures SET step = %s, phone = NULL, ended_at = NOW(6) WHERE id = %s"

SELECT_ANY = "SELECT 1 FROM erasures LIMIT 1"

SELECT_LISTS = """
SELECT list_id FROM recipients WHERE phone = %s AND list_id <= %s ORDER BY list_id
"""

SELECT_LISTED = "SELECT 1 FROM recipients WHERE phone = %s LIMIT 1"

# Locked in the order of their ids, and before the recipient: a start happens either before,
# and is seen here, or afterwards, and meets the tombstone.
LOCK_CAMPAIGNS = """
SELECT id, state, shards FROM campaigns WHERE list_id = %s ORDER BY id FOR UPDATE
"""

# Of a list that is being imported: whom an erasure has still to look for there.
SELECT_OF_LIST = f"""
SELECT STRAIGHT_JOIN {", ".join(f"e.{name}" for name in _COLUMNS.split(", "))}
FROM erasures e JOIN recipients r ON r.phone = e.phone AND r.list_id = %s
WHERE e.ended_at IS NULL AND e.step = %s AND e.last_list_id >= %s ORDER BY e.id
"""

LOCK_RECIPIENT = "SELECT seq FROM recipients WHERE phone = %s AND list_id = %s FOR UPDATE"

ERASE_RECIPIENT = """
UPDATE recipients SET phone = %s, name = '', attributes = NULL, erased_shard = %s,
    erased_shard_count = %s
WHERE list_id = %s AND seq = %s
"""

DELETE_TEST_MESSAGES = "DELETE FROM trial_messages WHERE phone = %s"

DELETE_CHECKS = "DELETE FROM provider_checks WHERE phone = %s"

SELECT_NEXT_REJECTED = """
SELECT MIN(list_id) FROM recipient_rejects WHERE list_id > %s AND list_id <= %s
"""

SELECT_REJECTS = """
SELECT line, raw_text FROM recipient_rejects
WHERE list_id = %s AND line > %s ORDER BY line LIMIT %s
"""

BLANK_REJECTS = "UPDATE recipient_rejects SET raw_text = '' WHERE list_id = %s AND line IN %s"

SELECT_ERASED = """
SELECT seq, erased_shard FROM recipients
WHERE list_id = %s AND seq IN %s AND erased_shard IS NOT NULL
"""


def order_erasure(cursor: Cursor, phone: str, actor: str, key: ErasureKey | None = None) -> Erasure:
    """Note that a person is to be forgotten in everything there is now, and leave a hash.

    Ordering it again is an order of its own, since more may have come in meanwhile. Without a
    key there is no hash, and later imports bring the person back. No list may be looked at before
    this is committed.
    """
    lock_erased_people(cursor)
    if key is not None:
        add_erased_person(cursor, key.id, key.hashes([phone])[0])
    cursor.execute(INSERT, (phone, actor, ErasureStep.RECIPIENTS))
    cursor.execute(SELECT_ORDERED, (phone,))
    (erasure,) = _erasures(cursor)
    return erasure


def left_undone(
    cursor: Cursor, steps: Sequence[ErasureStep], idle_seconds: int, limit: int
) -> list[Erasure]:
    """Read the oldest erasures that are in one of `steps`, ordered at least so long ago."""
    cursor.execute(SELECT_LEFT, (tuple(step.value for step in steps), idle_seconds, limit))
    return _erasures(cursor)


def move_erasure(cursor: Cursor, erasure: Erasure) -> None:
    """Note which step is next, and how far it is."""
    cursor.execute(
        MOVE, (erasure.step.value, erasure.after_list_id, erasure.after_line, erasure.id)
    )


def end_erasure(cursor: Cursor, erasure: Erasure) -> None:
    """Note that a person is forgotten; the number goes from here, too."""
    cursor.execute(END, (ErasureStep.DONE.value, erasure.id))


def is_anybody_erased(cursor: Cursor) -> bool:
    """Return whether anybody was ever erased, with or without a hash."""
    return cursor.execute(SELECT_ANY) > 0


def lists_with(cursor: Cursor, erasure: Erasure) -> list[ListId]:
    """Return the lists that still hold the person."""
    cursor.execute(SELECT_LISTS, (erasure.phone, erasure.last_list_id))
    return [row[0] for row in cursor.fetchall()]


def erasures_of_list(cursor: Cursor, list_id: ListId) -> list[Erasure]:
    """Read the erasures that have still to look for their people in a list, and would find them."""
    cursor.execute(SELECT_OF_LIST, (list_id, ErasureStep.RECIPIENTS.value, list_id))
    return _erasures(cursor)


def erase_recipient(cursor: Cursor, erasure: Erasure, list_id: ListId, shards: int) -> list[int]:
    """Turn a person's row of a list into a tombstone, and have unsent messages cancelled.

    The row keeps the shard the person belonged to, modulo a number that `shards` (of
    campaigns to come) and the shard counts of the list's present campaigns divide. Returns the
    campaigns whose shards' owners are asked; repeating it changes nothing.

    Raises:
        ErasureHeld: there is no such number that the row can hold.
    """
    cursor.execute(LOCK_CAMPAIGNS, (list_id,))
    under_way = [
        (campaign_id, state, count)
        for campaign_id, state, count in cursor.fetchall()
        if state in (CampaignState.RUNNING, CampaignState.PAUSED)
    ]
    cursor.execute(LOCK_RECIPIENT, (erasure.phone, list_id))
    row = cursor.fetchone()
    if row is None:
        return []
    seq = row[0]
    modulus = lcm(shards, *(count for _, _, count in under_way))
    if modulus > MOST_MODULUS:
        raise ErasureHeld(
            f"campaigns of recipient list {list_id} run with shard counts that cannot be kept"
            f" together; the erasure continues when they are over"
        )
    shard = shard_of(erasure.phone, modulus)
    cursor.execute(ERASE_RECIPIENT, (tombstone(seq), shard, modulus, list_id, seq))
    for campaign_id, state, count in under_way:
        request_erasure(cursor, campaign_id, {shard % count: [seq]})
        append_event(
            cursor, campaign_id, erasure.actor, from_state=state, to_state=state, reason=REASON
        )
    return [campaign_id for campaign_id, _, _ in under_way]


def delete_test_messages(cursor: Cursor, erasure: Erasure) -> None:
    """Delete the test messages and checks that went to the person, or would have."""
    cursor.execute(DELETE_TEST_MESSAGES, (erasure.phone,))
    cursor.execute(DELETE_CHECKS, (erasure.phone,))


def hash_suppressions_of(cursor: Cursor, erasure: Erasure, key: ErasureKey) -> None:
    """Leave the suppressions of the person under a hash instead of the number; may be repeated.

    They stay with the number where a list has it again, of somebody who has reconsented since.
    Requires that senders know that the messages of the person are cancelled: they would find no
    suppression any more.
    """
    lock_erased_people(cursor)  # a list that comes later puts them back
    if not cursor.execute(SELECT_LISTED, (erasure.phone,)):
        person = HashedPerson(key.id, packed(key.hashes([erasure.phone])[0]))
        hash_suppressions(cursor, erasure.phone, person)


def next_rejected_list(cursor: Cursor, erasure: Erasure) -> ListId | None:
    """Return the first list with rejects after the one that was looked through last."""
    cursor.execute(SELECT_NEXT_REJECTED, (erasure.after_list_id, erasure.last_list_id))
    (list_id,) = cursor.fetchone()  # type: ignore[misc]
    return None if list_id is None else ListId(int(list_id))


def read_rejects(
    cursor: Cursor, list_id: ListId, after_line: int, limit: int
) -> list[RejectedText]:
    """Read rejects of a list in the order of their lines."""
    cursor.execute(SELECT_REJECTS, (list_id, after_line, limit))
    return [RejectedText(*row) for row in cursor.fetchall()]


def blank_rejects(cursor: Cursor, list_id: ListId, lines: Sequence[int]) -> None:
    """Take the text from rejects; they stay counted, with their lines and reasons."""
    if lines:
        cursor.execute(BLANK_REJECTS, (list_id, tuple(lines)))


def erased_shards(cursor: Cursor, list_id: ListId, seqs: Sequence[int]) -> dict[int, int]:
    """Read, for those of `seqs` that are tombstones, what the shard follows from."""
    if not seqs:
        return {}
    cursor.execute(SELECT_ERASED, (list_id, tuple(seqs)))
    return dict(cursor.fetchall())


def _erasures(cursor: Cursor) -> list[Erasure]:
    return [
        Erasure(id_, phone, actor, last_list_id, ErasureStep(step), *after)
        for id_, phone, actor, last_list_id, step, *after in cursor.fetchall()
    ]
