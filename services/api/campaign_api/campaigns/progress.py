"""Progress of a campaign: counts, rate and estimated finish."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.content.campaign_content import TextContent
from campaign_common.domain.message import FINAL, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import OF_SENT, ReceiptState
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    Movement,
    Standing,
)

StatusCounts = Mapping[Status, int]
"""Number of messages by status, as in the counters."""


def summarise(campaign: CampaignProgress, counted: StatusCounts) -> dict[str, Any]:
    """Describe a campaign for a listing; `total` is the sum of the final counts and `pending`."""
    total = campaign.accepted if campaign.total is None else campaign.total
    counts = counts_of(campaign.state, total, counted)
    return {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state.value,
        "failure_reason": campaign.failure_reason,
        "recipient_list_id": campaign.list_id,
        "created_at": _utc(campaign.created_at),
        "scheduled_at": _utc(campaign.scheduled_at),
        "started_at": _utc(campaign.started_at),
        "finished_at": _utc(campaign.finished_at),
        "expires_after": campaign.expires_after,
        "expires_at": _utc(campaign.expires_at),
        "delivery": campaign.delivery,
        "provider": {
            "name": campaign.provider,
            "circuit_open_until": _utc(campaign.circuit_open_until),
        },
        "max_rate": campaign.max_rate,
        "priority": campaign.priority,
        "topic": campaign.topic,
        "time_zone": campaign.time_zone,
        "total": total,
        "counts": {status.word: n for status, n in counts.items()},
        "pending": total - ended_of(counts),
    }


ReceiptCounts = Mapping[tuple[ReceiptState, ReceiptRank], int]
"""Number of receipts by state and rank, as in the counters."""

NO_RECEIPTS: ReceiptCounts = MappingProxyType({})


def receipts_of(receipts: ReceiptCounts, sent: int) -> dict[str, int]:
    """Describe the receipts of a campaign.

    `none`, `no_receipt` and the ranks add up to the sent messages.

    Apart from these: those of messages that are not recorded as sent, or ended in another way.
    """
    by_state: Counter[ReceiptState] = Counter()
    for (state, _), n in receipts.items():
        by_state[state] += n
    ranks = {rank: receipts.get((ReceiptState.SENT, rank), 0) for rank in ReceiptRank if rank}
    return {
        ReceiptRank.NONE.word: sent - sum(by_state[state] for state in OF_SENT),
        ReceiptState.NO_RECEIPT.word: by_state[ReceiptState.NO_RECEIPT],
        **{rank.word: n for rank, n in ranks.items()},
        ReceiptState.OPEN.word: by_state[ReceiptState.OPEN],
        ReceiptState.OTHERWISE.word: by_state[ReceiptState.OTHERWISE],
    }


def describe(standing: Standing, receipts: ReceiptCounts = NO_RECEIPTS) -> dict[str, Any]:
    """Describe a campaign in full.

    `rate` is messages with an outcome per second, over the run so far or the whole run.
    """
    campaign, counted, (content, originator, *_), budget = standing
    summary = summarise(campaign, counted.by_status)
    until = campaign.finished_at or campaign.now
    rate = _rate_of_the_run(campaign.started_at, until, ended_of(counted.by_status))
    return {
        **summary,
        "template": content.template if isinstance(content, TextContent) else None,
        "content": msgspec.to_builtins(content),
        "from": originator,
        "budget": None if budget is None else budget.amount,
        "budget_currency": None if budget is None else budget.currency,
        "possibly_sent": counted.possibly_sent,
        "receipts": receipts_of(receipts, counted.by_status.get(Status.SENT, 0)),
        "rate": rate,
        "estimated_finish": _estimated_finish(
            campaign.state, campaign.now, summary["pending"], rate
        ),
        "list": {
            "id": campaign.list_id,
            "accepted": campaign.accepted,
            "duplicates": campaign.duplicates,
            "rejected": campaign.rejected,
        },
    }


def measure(movement: Movement, receipts: ReceiptCounts = NO_RECEIPTS) -> dict[str, Any]:
    """Describe the movement of a campaign: balance, present rate, and lag.

    `rate` is that since the sample, the oldest one of the last minute, or where there is none
    that of the run so far; only a running campaign has one.
    """
    state, total, counted = movement.state, movement.total, movement.counted
    counts = counts_of(state, total, counted.by_status)
    ended = ended_of(counts)
    rate = _present_rate(movement)
    return {
        "state": state.value,
        "counts": {status.word: n for status, n in counts.items()},
        "balance": {
            "recipients": total,
            "final": ended,
            "pending": total - ended,
            "consistent": 0 <= counts[Status.WAITING] <= total - ended,
        },
        "possibly_sent": counted.possibly_sent,
        "receipts": receipts_of(receipts, counts[Status.SENT]),
        "max_rate": movement.pace.max_rate,
        "priority": movement.pace.priority,
        "rate": rate,
        "estimated_finish": _estimated_finish(state, movement.now, total - ended, rate),
        "lag": max(movement.published_count - sum(counted.by_status.values()), 0),
    }


def counts_of(state: CampaignState, total: int, counted: StatusCounts) -> dict[Status, int]:
    """Return the number of recipients by status."""
    counts = {status: counted.get(status, 0) for status in (*sorted(FINAL), Status.WAITING)}
    if state is CampaignState.CANCELLED:
        # Of a cancelled campaign, what has no outcome never gets another one.
        counts[Status.WAITING] = 0
        counts[Status.CANCELLED] = total - ended_of(counts) + counts[Status.CANCELLED]
    return counts


def ended_of(counts: StatusCounts) -> int:
    """Return the number of messages with a final outcome."""
    return sum(n for status, n in counts.items() if status in FINAL)


def _rate_of_the_run(started_at: datetime | None, until: datetime, ended: int) -> float | None:
    if started_at is None:
        return None
    seconds = (until - started_at).total_seconds()
    return round(ended / seconds, 1) if seconds > 0 else None


def _present_rate(movement: Movement) -> float | None:
    if movement.state is not CampaignState.RUNNING:
        return None
    ended, sample = ended_of(movement.counted.by_status), movement.sample
    if sample is None or sample.seconds_ago <= 0:
        return _rate_of_the_run(movement.started_at, movement.now, ended)
    # What a person has retried leaves the final outcomes again.
    return round(max(ended - sample.ended, 0) / sample.seconds_ago, 1)


def _estimated_finish(
    state: CampaignState, now: datetime, pending: int, rate: float | None
) -> datetime | None:
    if state is not CampaignState.RUNNING or not rate:
        return None
    return _utc(now + timedelta(seconds=pending / rate))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
