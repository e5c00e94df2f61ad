"""Retry of messages by request."""

from typing import NamedTuple

from campaign_api.campaigns.campaign_reader import unknown
from campaign_api.campaigns.history import is_retry
from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId, Transition, apply
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.planning.errors import ListDeleted
from campaign_common.store.campaigns.plans import lock_plan
from campaign_common.store.campaigns.transitions import retry_messages, retry_undelivered
from campaign_common.store.core.counters import counts
from campaign_common.store.core.events import read_events
from campaign_common.store.core.receipt_counters import read_receipt_counts
from campaign_common.store.recipients.recipient_lists import hold_list

EVENTS_AT_ONCE = 100


class MessagesToRetry(NamedTuple):
    """The messages that a person wants to have sent again."""

    status: Status | None
    """None: those that are sent, and were not delivered by their receipts."""
    code: str | None = None
    """Error code of the message, or code of the receipt; None: whichever."""


def request_retry(
    cursor: Cursor,
    *,
    databases: Databases,
    campaign_id: CampaignId,
    actor: str,
    wanted: MessagesToRetry,
    after_event: int,
    traceparent: str,
) -> int:
    """Request that messages are sent again; return how many have the status, or the receipt.

    `after_event` is the campaign's newest event before the transaction. A retry that `actor`
    ordered since then is this one, whose COMMIT went without an answer, or the same request
    sent twice at once: another order would send again what the first has sent.

    Raises:
        CampaignUnknown: there is no such campaign.
        TransitionRefused: its state does not allow it.
        ListDeleted: its recipient list has been deleted.
    """
    stored = lock_plan(cursor, campaign_id)
    if stored is None:
        raise unknown(campaign_id)
    since = read_events(cursor, campaign_id, after_id=after_event, limit=EVENTS_AT_ONCE)
    with databases.reading(cursor) as cursors:
        counted = counts(cursors, campaign_id)
        receipts = read_receipt_counts(cursors, campaign_id)
    undelivered = receipts.get((ReceiptState.SENT, ReceiptRank.UNDELIVERED), 0)
    if any(event.actor == actor and is_retry(event) for event in since):
        return undelivered if wanted.status is None else counted.get(wanted.status, 0)
    apply(Transition.RETRY, stored.state)
    if hold_list(cursor, stored.plan.list_id) is None:
        raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
    if wanted.status is None:
        ordered = retry_undelivered(
            cursor, campaign_id, actor, undelivered, wanted.code, traceparent
        )
    else:
        ordered = retry_messages(
            cursor, campaign_id, actor, counted, [wanted.status], wanted.code, traceparent
        )
    return ordered.matched if ordered else 0
