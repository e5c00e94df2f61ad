"""Effects of keywords, in the transaction that stores their messages.

A message that is stored already is not among them: a repeated webhook has no effect.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
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
from campaign_common.store.suppressions.stops import ACTOR, lift_stops, note_stops, put_stops
from campaign_common.store.suppressions.suppressions import Suppression

# By the provider's own clock, which orders its messages whenever it repeats one.
SELECT_LATER_STOP = """
SELECT 1 FROM inbound_messages
WHERE phone = %s AND provider = %s AND keyword = %s AND is_unsure = 0 AND reported_at > %s LIMIT 1
"""


class KeywordEffects(NamedTuple):
    """Effects of some messages."""

    stops: Sequence[Suppression] = ()
    """Suppressions that were set."""
    lifted: int = 0
    """Suppressions that were lifted."""
    answers: int = 0
    """Answers that senders are to send."""


def act_on_keywords(
    cursor: Cursor, stored: Iterable[StoredInbound], policy: KeywordPolicy
) -> KeywordEffects:
    """Suppress who has said STOP, lift the suppression of who has said START, and queue answers.

    The changes that senders read come last.
    """
    wanted = [one for one in stored if is_acted_on(one.message)]
    stopped: dict[tuple[str, str], int] = {}
    lifted, answers = 0, list[StoredInbound]()
    for one in sorted(wanted, key=_by_person_and_time):
        message = one.message
        is_answered = True
        match message.keyword:
            case KeywordKind.STOP:
                stopped.setdefault((message.phone, policy.scope_of_stop(message)), one.id)
            case KeywordKind.START:
                said = [(message.phone, scope) for scope in policy.scopes_of_start(message)]
                before = {key: stopped.pop(key) for key in said if key in stopped}
                note_stops(cursor, put_stops(cursor, before))
                count, is_answered = _start(cursor, message, policy)
                lifted += count
        if is_answered and _may_be_answered(cursor, message, policy):
            answers.append(one)
    stops = put_stops(cursor, stopped)
    for one in answers:
        _queue_answer(cursor, one, policy)
    note_stops(cursor, stops)
    return KeywordEffects(stops, lifted, len(answers))


def _by_person_and_time(one: StoredInbound) -> tuple[str, datetime, bool, int]:
    """Return the order of messages; of a STOP and a START at the same moment, the STOP is later."""
    message = one.message
    at = message.reported_at or message.received_at
    return message.phone, at, message.keyword is KeywordKind.STOP, one.id


def _start(cursor: Cursor, message: InboundMessage, policy: KeywordPolicy) -> tuple[int, bool]:
    """Lift what a STOP has set; return how much, and whether messages will come now.

    A START that comes after a STOP which was said later, as a gateway repeats requests, is void.
    """
    if message.reported_at is not None:
        about = (message.phone, message.provider, KeywordKind.STOP.value, message.reported_at)
        if cursor.execute(SELECT_LATER_STOP, about):
            return 0, False
    lifted = lift_stops(cursor, message.phone, policy.scopes_of_start(message))
    return len(lifted.scopes), not lifted.is_still_suppressed


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
