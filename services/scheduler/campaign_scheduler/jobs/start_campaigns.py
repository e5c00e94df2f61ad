"""Job that starts due campaigns, and takes over those of a lost scheduler."""

from collections.abc import Callable, Sequence

import msgspec
import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.content.campaign_content import CompiledContent
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL
from campaign_common.errors import TemplateInvalid
from campaign_common.store.campaigns import leases as store
from campaign_common.store.campaigns.leases import DueCampaign, Lease
from campaign_common.store.core.events import append_event
from campaign_common.tracing import trace_id_of
from campaign_scheduler.held_leases import HeldLeases

BATCH = 50
"""Campaigns started in one transaction; small, so that several schedulers share a burst."""

AlsoStart = Callable[[Cursor, Sequence[CampaignId]], None]

_log = structlog.get_logger()


class CampaignStarter:
    """Starter of scheduled campaigns that are due, which this process leases then.

    `also`: part of the transaction that starts campaigns.
    """

    def __init__(
        self, database: Database, leases: HeldLeases, shards: int, also: AlsoStart | None = None
    ) -> None:
        self._database = database
        self._leases = leases
        self._shards = shards
        self._also = also

    def start_due(self) -> None:
        """Start every campaign that is due, then take over every orphaned one.

        Raises:
            RetryLater: the database is down; no campaign is half started.
        """
        while True:
            considered, started = self._database.run(self._start_batch)
            self._add_leases(started, "campaign started")
            if considered < BATCH:
                break
        while True:
            taken = self._database.run(
                lambda cursor: store.take_over_orphaned(cursor, self._leases.holder, BATCH)
            )
            self._add_leases(taken, "campaign taken over")
            if len(taken) < BATCH:
                break

    def _start_batch(self, cursor: Cursor) -> tuple[int, list[Lease]]:
        due = store.lock_due(cursor, BATCH)
        startable = []
        for campaign in due:
            obstacle = start_obstacle(campaign)
            if obstacle is None:
                store.start(cursor, campaign, self._leases.holder, self._shards)
                startable.append(campaign.campaign_id)
                self._append_event(cursor, campaign, CampaignState.RUNNING, None)
            else:
                store.fail(cursor, campaign, obstacle)
                self._append_event(cursor, campaign, CampaignState.FAILED, obstacle)
                _log.warning(
                    "campaign failed",
                    campaign=campaign.campaign_id,
                    trace_id=trace_id_of(campaign.traceparent),
                    reason=obstacle,
                )
        if self._also is not None:
            self._also(cursor, startable)
        return len(due), store.read_leases(cursor, startable, self._leases.holder.owner)

    def _append_event(
        self, cursor: Cursor, campaign: DueCampaign, state: CampaignState, reason: str | None
    ) -> None:
        append_event(
            cursor,
            campaign.campaign_id,
            self._leases.holder.owner,
            from_state=CampaignState.SCHEDULED,
            to_state=state,
            reason=reason,
        )

    def _add_leases(self, leases: Sequence[Lease], event: str) -> None:
        if not leases:
            return
        self._leases.add(leases)
        for lease in leases:
            _log.info(
                event,
                campaign=lease.campaign_id,
                trace_id=lease.trace_id,
                total=lease.total,
                published=lease.published_count,
            )


def start_obstacle(campaign: DueCampaign) -> str | None:
    """Return the reason why a campaign cannot start, or None if it can."""
    if campaign.list_state != "ready":
        return f"its recipient list is {campaign.list_state or 'deleted'}, not ready"
    named = msgspec.json.decode(campaign.attribute_columns or "[]", type=list[str])
    content = campaign.campaign_content
    links = [] if content.link_base_url is None else [UNSUBSCRIBE_URL]
    try:
        CompiledContent(content.content).require(["name", "phone", *named, *links])
    except TemplateInvalid as error:
        return str(error)
    return None
