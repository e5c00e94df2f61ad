"""provider_checks: single sends that check a provider, each taken by one sender, once."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.domain.message_record import MessageTemplate
from campaign_common.runtime.logs import mask_phone

KEPT_MINUTES = 10
"""Minutes after which the sweep deletes a check."""

WANTED_FOR = 10
"""Seconds after which a check is not taken any more."""

LEFT_TO_OTHERS = 1.5
"""Seconds for which a sender that lacks a secret leaves a check to senders that have it."""

CHECK_GRACE = 5.0
"""Seconds beyond the time limits of a send after which its sender counts as lost."""


class CheckState(StrEnum):
    """State of a check."""

    WAITING = "waiting"
    """No sender has taken it yet."""
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """Nothing was sent; `problem` says why."""
    EXPIRED = "expired"
    """No sender took it in time; none will."""
    UNKNOWN = "unknown"
    """The sender that took it was lost, or failed: it may have sent the message, which is not
    repeated."""


class CheckContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of the message of a check."""

    body: str = ""
    template: MessageTemplate | None = None
    originator: str | None = None


class NewCheck(NamedTuple):
    """Check that somebody asks for."""

    provider: str
    phone: str
    content: CheckContent
    dry_run: bool
    actor: str


class TakenCheck(NamedTuple):
    """Check that this sender, and no other, makes."""

    id: int
    provider: str
    phone: str
    content: CheckContent
    dry_run: bool


class StoredCheck(NamedTuple):
    """Check and its result; times are UTC, naive.

    `phone` is masked. `result`: JSON of the sender that made it, None until then.
    """

    id: int
    provider: str
    phone: str
    dry_run: bool
    requested_at: datetime
    taken_by: str | None
    ended_at: datetime | None
    state: CheckState
    problem: str | None
    result: bytes | None


class CheckResult(msgspec.Struct, frozen=True):
    """Result of a check as it is stored: a `problem`, else its `report`.

    `is_unknown`: in spite of the problem the message may have been sent.
    """

    problem: str | None = None
    is_unknown: bool = False
    report: msgspec.Raw = msgspec.Raw(b"{}")


INSERT = """
INSERT INTO provider_checks (provider, phone, content, dry_run, actor, requested_at)
VALUES (%s, %s, %s, %s, %s, NOW(6))
"""

SELECT_ANY = f"""
SELECT 1 FROM provider_checks
WHERE taken_at IS NULL AND ended_at IS NULL
  AND requested_at > NOW(6) - INTERVAL {WANTED_FOR} SECOND LIMIT 1
"""

SELECT_WAITING = f"""
SELECT id, provider, phone, content, dry_run FROM provider_checks
WHERE taken_at IS NULL AND ended_at IS NULL
  AND requested_at > NOW(6) - INTERVAL {WANTED_FOR} SECOND
  AND (provider IN %s OR (provider IN %s
       AND requested_at < NOW(6) - INTERVAL {round(LEFT_TO_OTHERS * 1e6)} MICROSECOND))
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

TAKE = """
UPDATE provider_checks
SET taken_at = NOW(6), taken_by = %s, ends_by = NOW(6) + INTERVAL %s MICROSECOND WHERE id = %s
"""

END = """
UPDATE provider_checks SET ended_at = NOW(6), phone = %s, content = '{}', result = %s
WHERE id = %s AND ended_at IS NULL
"""

EXPIRE = f"""
UPDATE provider_checks SET ended_at = NOW(6), phone = %s, content = '{{}}'
WHERE id = %s AND taken_at IS NULL AND ended_at IS NULL
  AND requested_at <= NOW(6) - INTERVAL {WANTED_FOR} SECOND
"""

SELECT_ONE = f"""
SELECT id, provider, phone, dry_run, requested_at, taken_by, ended_at, result,
       taken_at IS NOT NULL, NOW(6) > ends_by,
       requested_at <= NOW(6) - INTERVAL {WANTED_FOR} SECOND
FROM provider_checks
WHERE id = %s AND provider = %s AND requested_at >= NOW(6) - INTERVAL {KEPT_MINUTES} MINUTE
"""

DELETE_OLD = f"""
DELETE FROM provider_checks WHERE requested_at < NOW(6) - INTERVAL {KEPT_MINUTES} MINUTE LIMIT %s
"""

_NO_PROVIDER = ("",)
"""For a list of providers that would be empty, which SQL does not allow."""

_encode = msgspec.json.encode
_decode_content = msgspec.json.Decoder(CheckContent).decode
_decode_result = msgspec.json.Decoder(CheckResult).decode


def insert_check(cursor: Cursor, check: NewCheck) -> int:
    """Store a check for any sender to take; return its id."""
    content = _encode(check.content).decode()
    values = (check.provider, check.phone, content, int(check.dry_run), check.actor)
    cursor.execute(INSERT, values)
    return int(cursor.lastrowid)


def is_check_waiting(cursor: Cursor) -> bool:
    """Return whether a check waits, of whichever provider: one read without a transaction."""
    return bool(cursor.execute(SELECT_ANY))


def take_check(
    cursor: Cursor,
    longest: Mapping[str, float],
    unready: Collection[str],
    sender: str,
) -> TakenCheck | None:
    """Take a check that no other sender has taken, in a transaction; None where none waits.

    It is not taken again, so a check whose sender dies is not sent twice. `longest` has the
    providers that this sender knows, with the seconds that a send takes at most; `unready` are
    those among them that it can not send to.
    """
    ready = tuple(name for name in longest if name not in unready)
    cursor.execute(SELECT_WAITING, (ready or _NO_PROVIDER, tuple(unready) or _NO_PROVIDER))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, provider, phone, content, dry_run = row
    cursor.execute(TAKE, (sender, round((longest[provider] + CHECK_GRACE) * 1e6), id_))
    return TakenCheck(int(id_), provider, phone, _decode_content(content), bool(dry_run))


def end_check(cursor: Cursor, check: TakenCheck, result: CheckResult) -> None:
    """Record the result of a check, and forget the number."""
    cursor.execute(END, (mask_phone(check.phone), _encode(result).decode(), check.id))


def read_check(cursor: Cursor, provider: str, check_id: int) -> StoredCheck | None:
    """Read a check, in a transaction; None where there is none, or none any more.

    One that no sender has taken in time expires, and is not taken after that.
    """
    cursor.execute(SELECT_ONE, (check_id, provider))
    row = cursor.fetchone()
    if row is not None and row[10] and not row[8] and row[6] is None:
        cursor.execute(EXPIRE, (mask_phone(row[2]), check_id))
        cursor.execute(SELECT_ONE, (check_id, provider))
        row = cursor.fetchone()
    if row is None:
        return None
    id_, name, phone, dry_run, requested_at, taken_by, ended_at, result, taken, late, _ = row
    decoded = None if result is None else _decode_result(result)
    state = _state(decoded, is_taken=bool(taken), is_late=bool(late), ended=ended_at is not None)
    return StoredCheck(
        int(id_),
        name,
        mask_phone(phone),
        bool(dry_run),
        requested_at,
        taken_by,
        ended_at,
        state,
        None if decoded is None else decoded.problem,
        None if decoded is None else bytes(decoded.report),
    )


def delete_old_checks(cursor: Cursor, limit: int) -> int:
    """Delete checks that are over for long enough; return how many went."""
    return cursor.execute(DELETE_OLD, (limit,))


def _state(result: CheckResult | None, *, is_taken: bool, is_late: bool, ended: bool) -> CheckState:
    if result is not None and result.is_unknown:
        return CheckState.UNKNOWN
    if result is not None:
        return CheckState.DONE if result.problem is None else CheckState.REFUSED
    if is_taken:
        return CheckState.UNKNOWN if is_late else CheckState.RUNNING
    return CheckState.EXPIRED if ended else CheckState.WAITING
