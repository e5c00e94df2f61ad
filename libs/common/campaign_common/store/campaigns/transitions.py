"""campaigns: pausing, resuming, cancelling, retrying, each one compare-and-set with an event."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import (
    TRANSITIONS,
    CampaignId,
    CampaignState,
    Transition,
    apply,
)
from campaign_common.domain.message import Status
from campaign_common.store.core.budgets import lock_budget
from campaign_common.store.core.events import append_event, state_before_last_run
from campaign_common.store.shards.shard_commands import (
    request_retry,
    request_retry_of_undelivered,
    request_settlement,
)

RETRYABLE = frozenset({Status.FAILED, Status.UNKNOWN, Status.EXPIRED, Status.SUPPRESSED})
"""The statuses that a person may have tried again."""

BUDGET_USED_UP = "the budget is used up"
"""Reason of the event of a pause by a sender."""


class StateChange(NamedTuple):
    """States of a campaign before and after a change; the same where it was there already."""

    before: CampaignState
    after: CampaignState


class RetryOrdered(NamedTuple):
    """The result of a person's command to try messages again.

    `matched`: messages of the wanted statuses; an error code narrows them further. With none
    nothing was changed.
    """

    state: CampaignState
    matched: int


LOCK_STATE = "SELECT state, shards FROM campaigns WHERE id = %s FOR UPDATE"

# The raised epoch makes every record published so far stale, and the raised lease epoch stops
# the scheduler that fans the campaign out. A resume publishes from the first recipient again what
# the ledger lacks (protocol rule 8): both in this one statement, or a range would be lost.
CHANGE_STATE = """
UPDATE campaigns
SET state = %s, epoch = epoch + 1, lease_epoch = lease_epoch + 1, lease_until = NOW(6),
    published_seq = 0, published_count = 0, finished_at = IF(%s, NOW(6), finished_at),
    traceparent = COALESCE(%s, traceparent)
WHERE id = %s AND state = %s
"""

# As above for a running campaign. Of a finished one everything has an outcome: its fan-out
# stays complete, and only what the command turns back is published, as retries. Senders of 0.2.0
# count ages from `retried_at`.
RETRY = """
UPDATE campaigns
SET epoch = epoch + 1, lease_epoch = lease_epoch + 1, lease_until = NOW(6),
    published_seq = IF(state = 'running', 0, published_seq),
    published_count = IF(state = 'running', 0, published_count),
    expires_at = IF((%s OR state = 'finished') AND expires_at <= NOW(6), NULL, expires_at),
    finished_at = NULL, retried_at = NOW(6), state = 'running',
    traceparent = COALESCE(%s, traceparent)
WHERE id = %s AND state = %s
"""

# As above for a running campaign, in the state that it has.
RESTART = """
UPDATE campaigns
SET epoch = epoch + 1, lease_epoch = lease_epoch + 1, lease_until = NOW(6),
    published_seq = 0, published_count = 0
WHERE id = %s AND state = 'running'
"""


def change_state(
    cursor: Cursor,
    campaign_id: CampaignId,
    transition: Transition,
    actor: str,
    traceparent: str | None = None,
    reason: str | None = None,
) -> StateChange | None:
    """Pause, resume or cancel a campaign; None: there is no such campaign.

    `traceparent` is the request, here and below, as the parent of what comes of it.
    Doing again what already took effect changes nothing.

    Raises:
        TransitionRefused: the campaign's state does not allow it.
    """
    cursor.execute(LOCK_STATE, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    before, shards = CampaignState(row[0]), row[1]
    if _has_taken_effect(cursor, campaign_id, transition, before):
        return StateChange(before, before)
    after = apply(transition, before)
    is_over = after is CampaignState.CANCELLED
    cursor.execute(CHANGE_STATE, (after.value, is_over, traceparent, campaign_id, before.value))
    append_event(cursor, campaign_id, actor, from_state=before, to_state=after, reason=reason)
    if is_over and shards is not None:
        request_settlement(cursor, campaign_id, shards)
    return StateChange(before, after)


def pause_without_money(cursor: Cursor, campaign_id: CampaignId, cost: Decimal, actor: str) -> bool:
    """Pause a running campaign whose budget does not cover a send of this cost any more.

    Decided by the budget as it is now: a campaign that was resumed with a higher one since the
    caller looked goes on. One without a row has lost it, and is paused. Return whether the campaign
    was paused.
    """
    cursor.execute(LOCK_STATE, (campaign_id,))
    row = cursor.fetchone()
    if row is None or row[0] != CampaignState.RUNNING:
        return False
    budget = lock_budget(cursor, campaign_id)
    if budget is not None and budget.left >= cost:
        return False
    change_state(cursor, campaign_id, Transition.PAUSE, actor, reason=BUDGET_USED_UP)
    return True


def restart_fanout(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Publish a running campaign again under a new epoch (protocol rule 8).

    Senders admit its messages by the campaign as it is now. What has an outcome is left out.
    """
    cursor.execute(RESTART, (campaign_id,))


def retry_messages(
    cursor: Cursor,
    campaign_id: CampaignId,
    actor: str,
    counted: Mapping[Status, int],
    statuses: Collection[Status],
    error_code: str | None = None,
    traceparent: str | None = None,
) -> RetryOrdered | None:
    """Request that messages which ended in one of `statuses` are sent again.

    `counted` says how many have which status. The owners of the shards turn them back to waiting
    (protocol rule 10), as far as they had ended when this was called; a campaign that is
    finished runs again. An expiry that has passed is lifted from a finished campaign, and from
    any whose expired messages are retried, since all of it would expire again at once. None:
    there is no such campaign.

    Raises:
        TransitionRefused: the campaign's state does not allow it.
        ValueError: a status that cannot be retried.
    """
    if not statuses or not RETRYABLE.issuperset(statuses):
        raise ValueError(f"cannot be retried: {sorted(set(statuses) - RETRYABLE)}")
    matched = sum(counted.get(status, 0) for status in statuses)
    ordered, shards = _run_again(
        cursor,
        campaign_id,
        actor,
        matched,
        reason=_described(statuses, error_code),
        lift_expiry=Status.EXPIRED in statuses,
        traceparent=traceparent,
    )
    if ordered is not None and ordered.matched:
        request_retry(cursor, campaign_id, shards, statuses, error_code)
    return ordered


def retry_undelivered(
    cursor: Cursor,
    campaign_id: CampaignId,
    actor: str,
    undelivered: int,
    code: str | None = None,
    traceparent: str | None = None,
) -> RetryOrdered | None:
    """Have sent messages that were not delivered sent again, as `retry_messages` does.

    `undelivered`: the number of their receipts. `code`: only those with this code.

    Raises:
        TransitionRefused: the campaign's state does not allow it.
    """
    reason = "retry of undelivered" + (f" with code {code}" if code else "")
    ordered, shards = _run_again(
        cursor, campaign_id, actor, undelivered, reason=reason, traceparent=traceparent
    )
    if ordered is not None and ordered.matched:
        request_retry_of_undelivered(cursor, campaign_id, shards, code)
    return ordered


def _run_again(
    cursor: Cursor,
    campaign_id: CampaignId,
    actor: str,
    matched: int,
    *,
    reason: str,
    lift_expiry: bool = False,
    traceparent: str | None = None,
) -> tuple[RetryOrdered | None, int]:
    """Let a campaign run again for `matched` messages; return the number of its shards, too.

    With none nothing is changed.

    Raises:
        TransitionRefused: the campaign's state does not allow it.
    """
    cursor.execute(LOCK_STATE, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None, 0
    before, shards = CampaignState(row[0]), row[1]
    after = apply(Transition.RETRY, before)
    if not matched:
        return RetryOrdered(before, 0), shards
    cursor.execute(RETRY, (lift_expiry, traceparent, campaign_id, before.value))
    append_event(cursor, campaign_id, actor, from_state=before, to_state=after, reason=reason)
    return RetryOrdered(after, matched), shards


def _has_taken_effect(
    cursor: Cursor, campaign_id: CampaignId, transition: Transition, state: CampaignState
) -> bool:
    """Return whether a campaign in `state` is where `transition` leads, or has finished from there.

    A campaign that was resumed may finish before the client has the response.
    """
    if transition is Transition.RESUME and state is CampaignState.FINISHED:
        return state_before_last_run(cursor, campaign_id) == CampaignState.PAUSED
    _, target = TRANSITIONS[transition]
    return state is target


def _described(statuses: Collection[Status], error_code: str | None) -> str:
    words = ", ".join(status.word for status in sorted(statuses))
    return f"retry of {words}" + (f" with error {error_code}" if error_code else "")
