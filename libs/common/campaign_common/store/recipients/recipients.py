"""recipients: the rows of recipient lists."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.domain.recipient import ListId, Recipient, tombstone


class NewRecipient(NamedTuple):
    """A checked row on its way into a list: phone of digits only, attributes as JSON."""

    seq: int
    phone: str
    name: str
    attributes: str | None


INSERT_RECIPIENTS = "INSERT IGNORE INTO recipients (list_id, seq, phone, name, attributes) VALUES "

INSERT_ERASED = """
INSERT IGNORE INTO recipients
  (list_id, seq, phone, name, attributes, erased_shard, erased_shard_count) VALUES
"""

COUNT_RECIPIENTS = "SELECT COUNT(*) FROM recipients WHERE list_id = %s AND seq BETWEEN %s AND %s"

SELECT_CHUNK = """
SELECT seq, phone, name, attributes FROM recipients
WHERE list_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""

# Somebody who was erased is no longer a recipient to anybody who reads the list.
SELECT_PAGE = """
SELECT seq, phone, name, attributes FROM recipients
WHERE list_id = %s AND seq > %s AND erased_shard IS NULL ORDER BY seq LIMIT %s
"""

SELECT_BY_PHONE = """
SELECT seq, phone, name, attributes FROM recipients
WHERE phone = %s AND list_id = %s AND erased_shard IS NULL
"""

DELETE_RECIPIENTS = "DELETE FROM recipients WHERE list_id = %s LIMIT %s"

_attributes = msgspec.json.Decoder(dict[str, str])


def insert_recipients(
    cursor: Cursor,
    list_id: ListId,
    rows: Sequence[NewRecipient],
    computing: AbstractContextManager[object] | None = None,
) -> int:
    """Insert rows, and return how many; one whose phone the list holds already is left out.

    The statement is put together within `computing`, and not executed there.

    May be repeated when it is unknown whether it was committed. INSERT IGNORE shortens a
    value that is too long without a word: rows must have been checked.

    Raises:
        ValueError: a phone is not ASCII digits alone.
    """
    if not rows:
        return 0
    with computing or nullcontext():
        statement = _insertion(cursor, list_id, rows)
    return cursor.execute(statement)


def insert_erased(cursor: Cursor, list_id: ListId, seqs: Sequence[int], shards: int) -> int:
    """Insert people of a file who were erased before, and return how many.

    Nothing of them is kept: not even the shard follows from the number. May be repeated.
    """
    if not seqs:
        return 0
    values = ",".join(
        [
            f"({list_id:d},{seq:d},'{tombstone(seq)}','',NULL,{seq % shards:d},{shards:d})"
            for seq in seqs
        ]
    )
    return cursor.execute(INSERT_ERASED + values)


def _insertion(cursor: Cursor, list_id: ListId, rows: Sequence[NewRecipient]) -> str:
    # Integers are formatted as such and phones are shown to be digits, which is several times
    # cheaper than binding them; other text is bound.
    phones = "".join([row.phone for row in rows])
    if not (phones.isascii() and phones.isdigit()):
        raise ValueError("a phone that is to be inserted must consist of ASCII digits")
    values = ",".join(
        [
            f"({list_id:d},{seq:d},'{phone}',%s,{'NULL' if attributes is None else '%s'})"
            for seq, phone, _, attributes in rows
        ]
    )
    texts = [text for row in rows for text in row[2:] if text is not None]
    return cursor.mogrify(INSERT_RECIPIENTS + values, texts)


def count_recipients(cursor: Cursor, list_id: ListId, first_seq: int, last_seq: int) -> int:
    """Count the rows of a list whose seq lies in a range, both ends included."""
    cursor.execute(COUNT_RECIPIENTS, (list_id, first_seq, last_seq))
    (n,) = cursor.fetchone()  # type: ignore[misc]
    return int(n)


def read_chunk(
    cursor: Cursor, list_id: ListId, *, after_seq: int, last_seq: int, limit: int
) -> list[Recipient]:
    """Read at most `limit` rows with after_seq < seq <= last_seq, in the order of seq."""
    cursor.execute(SELECT_CHUNK, (list_id, after_seq, last_seq, limit))
    return _recipients(cursor)


def read_page(cursor: Cursor, list_id: ListId, *, after_seq: int, limit: int) -> list[Recipient]:
    """Read at most `limit` people of a list with a seq above `after_seq`, in its order."""
    cursor.execute(SELECT_PAGE, (list_id, after_seq, limit))
    return _recipients(cursor)


def read_by_phone(cursor: Cursor, list_id: ListId, phone: str) -> Recipient | None:
    """Read the person of a list who has this normalised number, or None."""
    cursor.execute(SELECT_BY_PHONE, (phone, list_id))
    return next(iter(_recipients(cursor)), None)


def delete_some_recipients(cursor: Cursor, list_id: ListId, limit: int) -> int:
    """Delete at most `limit` rows of a list; returns how many went."""
    return cursor.execute(DELETE_RECIPIENTS, (list_id, limit))


def _recipients(cursor: Cursor) -> list[Recipient]:
    return [
        Recipient(seq, phone, name, None if attributes is None else _attributes.decode(attributes))
        for seq, phone, name, attributes in cursor.fetchall()
    ]
