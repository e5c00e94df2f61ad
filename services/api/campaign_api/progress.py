"""How far a campaign has come, as GET /v1/campaigns/{id} says it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from campaign_common.campaign import CampaignState
from campaign_common.message import FINAL, Status
from campaign_common.store.campaign_progress import CampaignProgress


def describe(
    campaign: CampaignProgress, counted: Mapping[Status, int], suspects: int
) -> dict[str, Any]:
    """Describe a campaign; the counts always add up to `total` = finals + `to_do`.

    `rate` is messages with an outcome per second, over the run so far or the whole run.
    """
    total = campaign.accepted if campaign.total is None else campaign.total
    counts = {status: counted.get(status, 0) for status in (*sorted(FINAL), Status.WAITING)}
    if campaign.state is CampaignState.CANCELLED:
        # Of a cancelled campaign, what has no outcome never gets another one.
        counts[Status.WAITING] = 0
        counts[Status.CANCELLED] = total - _ended(counts) + counts[Status.CANCELLED]
    to_do = total - _ended(counts)
    rate = _rate(campaign, sum(counted.get(status, 0) for status in FINAL))
    return {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state.value,
        "failure_reason": campaign.failure_reason,
        "scheduled_at": _utc(campaign.scheduled_at),
        "started_at": _utc(campaign.started_at),
        "finished_at": _utc(campaign.finished_at),
        "total": total,
        "counts": {status.word: n for status, n in counts.items()},
        "to_do": to_do,
        "suspects": suspects,
        "delivery": campaign.delivery,
        "provider": {
            "name": campaign.provider,
            "left_alone_until": _utc(campaign.left_alone_until),
        },
        "rate": rate,
        "estimated_finish": _estimated_finish(campaign, to_do, rate),
        "list": {
            "id": campaign.list_id,
            "accepted": campaign.accepted,
            "duplicates": campaign.duplicates,
            "rejected": campaign.rejected,
        },
    }


def _ended(counts: Mapping[Status, int]) -> int:
    return sum(n for status, n in counts.items() if status in FINAL)


def _rate(campaign: CampaignProgress, ended: int) -> float | None:
    if campaign.started_at is None:
        return None
    seconds = ((campaign.finished_at or campaign.now) - campaign.started_at).total_seconds()
    return round(ended / seconds, 1) if seconds > 0 else None


def _estimated_finish(
    campaign: CampaignProgress, to_do: int, rate: float | None
) -> datetime | None:
    if campaign.state is not CampaignState.RUNNING or not rate:
        return None
    return _utc(campaign.now + timedelta(seconds=to_do / rate))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
