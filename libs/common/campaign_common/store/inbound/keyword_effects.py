"""Effects of keywords, in the transaction that stores their messages.

A message that is stored already is not among them: a repeated webhook has no effect.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy, is_acted_on
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.store.inbound.answered_keywords import take_answer
from campaign_common.store.inbound.inbound_messages import StoredInbound
from campaign_common.store.messages.single_messages import (
    NO_CAMPAIGN,
    NewSingleMessage,
    insert_single_message,
)
from campaign_common.store.suppressions.hashed_suppressions import (
    HashedPerson,
    look_up_hashed_scopes,
)
from campaign_common.store.suppressions.stops import (
    ACTOR,
    Lifted,
    lift_stops,
    lock_suppressions,
    note_stops,
    put_stops,
)
from campaign_common.store.suppressions.suppressions import Suppression

WITHOUT_CLOCK = timedelta(minutes=10)
"""Time after a STOP in which a START without a time of its provider is void: it may have been said
before the STOP, and be a request that the gateway repeats."""

# By the clocks of providers, which order their messages whenever one is repeated; of two at the
# same moment the STOP counts, since some clocks have seconds only.
SELECT_LATER_STOP = """
SELECT 1 FROM inbound_messages
WHERE phone = %s AND keyword = %s AND is_unsure = 0 AND COALESCE(reported_at, received_at) >= %s
LIMIT 1
"""

SELECT_RECENT_STOP = """
SELECT 1 FROM inbound_messages
WHERE phone = %s AND keyword = %s AND is_unsure = 0 AND received_at > %s LIMIT 1
"""

MARK_UNSURE = "UPDATE inbound_messages SET is_unsure = 1 WHERE id = %s"

Hashes = Callable[[str], Sequence[HashedPerson]]
"""Hashes of a number, under which the suppressions of an erased person stand."""


def no_hashes(_phone: str) -> Sequence[HashedPerson]:
    """Return the hashes of a number without keys of erasures."""
    return ()


class KeywordEffects(NamedTuple):
    """Effects of some messages."""

    stops: Sequence[Suppression] = ()
    """Suppressions that were set."""
    lifted: int = 0
    """Suppressions that were lifted."""
    answers: int = 0
    """Answers that senders are to send."""


def act_on_keywords(
    cursor: Cursor,
    stored: Iterable[StoredInbound],
    policy: KeywordPolicy,
    hashes: Hashes = no_hashes,
) -> KeywordEffects:
    """Suppress who has said STOP, lift the suppression of who has said START, and queue answers.

    The changes that senders read come last.
    """
    wanted = [one for one in stored if is_acted_on(one.message)]
    stopped: dict[tuple[str, str], int] = {}
    lifted, answers, stops = 0, list[StoredInbound](), list[Suppression]()
    for one in sorted(wanted, key=_by_person_and_time):
        message = one.message
        is_answered = True
        match message.keyword:
            case KeywordKind.STOP:
                stopped.setdefault((message.phone, policy.scope_of_stop(message)), one.id)
            case KeywordKind.START:
                said = [(message.phone, scope) for scope in policy.scopes_of_start(message)]
                before = {key: stopped.pop(key) for key in said if key in stopped}
                early = put_stops(cursor, before)
                note_stops(cursor, early)
                effect = _start(cursor, one, policy)
                lifted += len(effect.scopes)
                stops += [each for each in early if each.scope not in effect.scopes]
                is_answered = _gets_messages(cursor, message, policy, effect, hashes)
        if is_answered and _may_be_answered(cursor, message, policy):
            answers.append(one)
    late = put_stops(cursor, stopped)
    for one in answers:
        _queue_answer(cursor, one, policy)
    note_stops(cursor, late)
    stops += late
    return KeywordEffects(stops, lifted, len(answers))


def _by_person_and_time(one: StoredInbound) -> tuple[str, datetime, bool, int]:
    """Return the order of messages; of a STOP and a START at the same moment, the STOP is later."""
    message = one.message
    at = message.reported_at or message.received_at
    return message.phone, at, message.keyword is KeywordKind.STOP, one.id


def _start(cursor: Cursor, one: StoredInbound, policy: KeywordPolicy) -> Lifted:
    """Lift what a STOP has set.

    A START that comes after a STOP which was said later, as a gateway repeats requests, is void.
    Without a time of its provider it is void soon after a STOP, and listed for a person to read.
    """
    message = one.message
    scopes = policy.scopes_of_start(message)
    # First: a STOP that another transaction is about to commit is seen after it has.
    lock_suppressions(cursor, message.phone, scopes)
    about = message.phone, KeywordKind.STOP.value
    if message.reported_at is not None:
        is_void = cursor.execute(SELECT_LATER_STOP, (*about, message.reported_at)) > 0
    else:
        since = message.received_at - WITHOUT_CLOCK
        is_void = cursor.execute(SELECT_RECENT_STOP, (*about, since)) > 0
        if is_void:
            cursor.execute(MARK_UNSURE, (one.id,))
    if is_void:
        return Lifted((), is_still_suppressed=True)
    return lift_stops(cursor, message.phone, scopes)


def _gets_messages(
    cursor: Cursor, message: InboundMessage, policy: KeywordPolicy, effect: Lifted, hashes: Hashes
) -> bool:
    """Return whether a START has brought messages back: only this is worth an answer."""
    if not effect.scopes or effect.is_still_suppressed:
        return False
    kept = look_up_hashed_scopes(cursor, hashes(message.phone))
    return not {*kept} & {*policy.scopes_of_start(message)}


def _may_be_answered(cursor: Cursor, message: InboundMessage, policy: KeywordPolicy) -> bool:
    if message.keyword is None or policy.answer_to(message) is None:
        return False
    return take_answer(cursor, message.phone, message.keyword, policy.interval)


def _queue_answer(cursor: Cursor, one: StoredInbound, policy: KeywordPolicy) -> None:
    answer = policy.answer_to(one.message)
    if answer is None:
        return
    insert_single_message(
        cursor,
        NewSingleMessage(
            NO_CAMPAIGN,
            one.message.provider,
            one.message.phone,
            Rendered(answer.text),
            answer.originator,
            ACTOR,
            ReferencePurpose.ANSWER,
            one.id,
        ),
    )
