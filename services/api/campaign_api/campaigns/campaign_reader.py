"""Reader of campaigns: one, a page of them, the progress of one, and its history."""

from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, TypeVar

from campaign_api.campaigns.progress import ReceiptCounts, describe, measure, summarise
from campaign_common.database import Cursor, Cursors, Database, Databases
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.limits.rest import ProviderRest, rest_of_all
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.stored_receipt import OF_SENT
from campaign_common.errors import DatabaseContended
from campaign_common.planning.errors import CampaignUnknown
from campaign_common.settings import Settings
from campaign_common.store.campaigns.listing import (
    CampaignFilter,
    CampaignPosition,
    read_campaigns,
)
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    Movement,
    read_movement,
    read_progress,
    read_standing,
)
from campaign_common.store.core.budgets import is_budget_lost, read_budget
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.core.costs import read_costs
from campaign_common.store.core.counters import Counted, counts_by_status
from campaign_common.store.core.events import EventRow, last_pause, read_events
from campaign_common.store.core.possible_duplicates import count_possible_duplicates
from campaign_common.store.core.receipt_counters import read_receipt_counts
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.limits.rests import read_rests

RATE_SPAN = 60
"""Seconds over which the present rate is taken."""


READINGS = 5
"""Most attempts to read counters that belong together."""


class _Counting(Protocol):
    @property
    def counted(self) -> Counted: ...


CountedT = TypeVar("CountedT", bound=_Counting)


class CampaignRows(NamedTuple):
    """Described campaigns, and the position of the next ones, None at the end."""

    described: list[dict[str, Any]]
    next_position: CampaignPosition | None


def campaign_of(cursors: Cursors, campaign_id: CampaignId) -> dict[str, Any]:
    """Describe a campaign.

    Raises:
        CampaignUnknown: there is none of that id.
    """
    standing, receipts = _beside_receipts(
        cursors, campaign_id, lambda: read_standing(cursors, campaign_id)
    )
    return describe(standing, receipts)


def read_campaign(databases: Databases, campaign_id: CampaignId) -> dict[str, Any]:
    """Describe a campaign.

    Raises:
        CampaignUnknown: there is none of that id.
        RetryLater: a database is unavailable.
    """
    with databases.reading() as cursors:
        return campaign_of(cursors, campaign_id)


class ProviderRests:
    """Rests of the providers of campaigns, by the configuration of this API."""

    def __init__(self, settings: Settings) -> None:
        self._routes = settings.routes
        self._limits = {
            name: provider.limits.limits for name, provider in settings.configured_providers.items()
        }

    def read(self, cursor: Cursor, movement: Movement) -> ProviderRest | None:
        """Read the rest of a running campaign; None: something of it can be sent."""
        if movement.state is not CampaignState.RUNNING:
            return None
        follow_live_weights(cursor, self._routes)
        providers = self._routes.active(movement.provider)
        return rest_of_all(providers, read_rests(cursor, providers, self._limits))


def progress_of(
    databases: Databases, campaign_id: CampaignId, rests: ProviderRests
) -> dict[str, Any]:
    """Describe the movement of a campaign; raise what `read_campaign` raises."""
    with databases.reading() as cursors:
        budget = _read_budget(cursors.main, campaign_id)
        costs = read_costs(cursors, campaign_id)
        repeated = count_possible_duplicates(cursors, campaign_id)
        movement, receipts = _beside_receipts(
            cursors, campaign_id, lambda: read_movement(cursors, campaign_id, RATE_SPAN)
        )
        rest = rests.read(cursors.main, movement)
        is_paused = movement.state is CampaignState.PAUSED
        pause = last_pause(cursors.main, campaign_id) if is_paused else None
    return {
        "id": campaign_id,
        **measure(movement, receipts),
        "possible_duplicates": repeated,
        "spent": [cost._asdict() for cost in costs],
        "budget": budget,
        "rests_until": None if rest is None else rest.until.replace(tzinfo=UTC),
        "rest_reason": None if rest is None else rest.reason.value,
        "paused": None if pause is None else _described_pause(pause),
    }


def _beside_receipts(
    cursors: Cursors, campaign_id: CampaignId, read: Callable[[], CountedT | None]
) -> tuple[CountedT, ReceiptCounts]:
    """Read something of a campaign with its counters, and the counters of its receipts before that.

    Sent messages only become more in between, unless a person has some sent again: then both are
    read once more.
    """
    for _ in range(READINGS):
        receipts = read_receipt_counts(cursors, campaign_id)
        found = read()
        if found is None:
            raise unknown(campaign_id)
        closed = sum(n for (state, _), n in receipts.items() if state in OF_SENT)
        if closed <= found.counted.by_status.get(Status.SENT, 0):
            return found, receipts
    raise DatabaseContended(f"the counters of campaign {campaign_id} do not stand still")


def _read_budget(cursor: Cursor, campaign_id: CampaignId) -> dict[str, Any] | None:
    """Describe the budget of a campaign; of one that was lost, nothing is left."""
    # In this order: a budget that is given again meanwhile is shown as lost, or as it is.
    if is_budget_lost(cursor, campaign_id):
        return {"currency": None, "amount": None, "taken": None, "left": Decimal()}
    budget = read_budget(cursor, campaign_id)
    return None if budget is None else {**budget._asdict(), "left": budget.left}


def _described_pause(pause: EventRow) -> dict[str, Any]:
    return {"at": pause.at.replace(tzinfo=UTC), "actor": pause.actor, "reason": pause.reason}


def page_of_campaigns(
    databases: Databases, wanted: CampaignFilter, below: CampaignPosition | None, limit: int
) -> CampaignRows:
    """Describe up to `limit` of the wanted campaigns, the newest first.

    Raises:
        RetryLater: a database is unavailable.
    """
    with databases.reading() as cursors:
        campaigns = read_campaigns(cursors.main, wanted, below, limit)
        counted = counts_by_status(cursors, [campaign.id for campaign in campaigns])
        present = which_are_present(cursors.main, counted)
    described = [
        summarise(campaign, counted[campaign.id])
        for campaign in campaigns
        if campaign.id in present
    ]
    if len(campaigns) < limit:
        return CampaignRows(described, None)
    return CampaignRows(described, CampaignPosition(campaigns[-1].created_at, campaigns[-1].id))


def history_of(
    database: Database, campaign_id: CampaignId, *, after_id: int, limit: int
) -> list[EventRow]:
    """Read up to `limit` events of a campaign after one; raise what `read_campaign` raises."""
    with database.reading() as cursor:
        events = read_events(cursor, campaign_id, after_id=after_id, limit=limit)
        _campaign(cursor, campaign_id)
    return events


def unknown(campaign_id: CampaignId) -> CampaignUnknown:
    """Return the error for a campaign that does not exist."""
    return CampaignUnknown(f"there is no campaign {campaign_id}")


def _campaign(cursor: Cursor, campaign_id: CampaignId) -> CampaignProgress:
    campaign = read_progress(cursor, campaign_id)
    if campaign is None:
        raise unknown(campaign_id)
    return campaign
