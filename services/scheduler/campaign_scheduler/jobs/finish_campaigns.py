"""Ending campaigns of which every recipient has an outcome (protocol rule 10)."""

from collections.abc import Mapping

import structlog
from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState
from campaign_common.database import Cursors, Databases
from campaign_common.message import FINAL, Status
from campaign_common.per_server import PerServer
from campaign_common.store import finishing as store
from campaign_common.store.counters import counts_by_status
from campaign_common.store.events import append_event
from campaign_common.store.finishing import FannedOutCampaign
from campaign_common.tracing import trace_id_of

BATCH = 200
"""Campaigns whose counters are summed in one statement."""

_log = structlog.get_logger()


def is_complete(total: int, counts: Mapping[Status, int], *, has_open_request: bool) -> bool:
    """Tell whether a campaign that is all fanned out is over.

    Its final outcomes make up the total, which leaves none waiting for a retry, and no order
    to a shard's owner is outstanding that could turn one of them back.
    """
    final = sum(n for status, n in counts.items() if status in FINAL)
    return final == total and not has_open_request


class Finisher:
    """Looks for campaigns that are over, among those that `owner` leases."""

    def __init__(self, databases: Databases, owner: str) -> None:
        self._databases = databases
        self._owner = owner

    def finish_complete(self) -> None:
        """End every campaign that is complete.

        Raises:
            RetryLater: a database is away; the next call finds the same campaigns. Those that
                have nothing on it are ended before.
        """
        with self._databases.main.reading() as cursor:
            candidates = store.fanned_out(cursor, self._owner)
        here = [one for one in candidates if self._lives_on_main(one)]
        for first in range(0, len(here), BATCH):
            batch = here[first : first + BATCH]
            with self._databases.main.reading() as cursor:
                found = self._orders_and_counts(batch, PerServer((cursor,)))
            self._finish_among(batch, *found)
        spread = [one for one in candidates if not self._lives_on_main(one)]
        for first in range(0, len(spread), BATCH):
            batch = spread[first : first + BATCH]
            with self._databases.reading() as cursors:
                found = self._orders_and_counts(batch, cursors)
            self._finish_among(batch, *found)

    def _lives_on_main(self, campaign: FannedOutCampaign) -> bool:
        return all(shard >= campaign.shards for shard in self._databases.elsewhere)

    def _orders_and_counts(
        self, candidates: list[FannedOutCampaign], cursors: Cursors
    ) -> tuple[set[int], Mapping[int, Mapping[Status, int]]]:
        """Read which of these have open orders, and their counters.

        The epochs were read before: a campaign that is set back in between has another epoch,
        and is not ended.
        """
        campaign_ids = [campaign.campaign_id for campaign in candidates]
        return store.with_open_requests(cursors, campaign_ids), counts_by_status(
            cursors, campaign_ids
        )

    def _finish_among(
        self,
        candidates: list[FannedOutCampaign],
        requested: set[int],
        counts: Mapping[int, Mapping[Status, int]],
    ) -> None:
        complete = [
            campaign
            for campaign in candidates
            if is_complete(
                campaign.total,
                counts[campaign.campaign_id],
                has_open_request=campaign.campaign_id in requested,
            )
        ]
        if not complete:
            return
        for campaign in self._databases.main.run(lambda cursor: self._finish(cursor, complete)):
            balance = {status.word: n for status, n in counts[campaign.campaign_id].items() if n}
            _log.info(
                "campaign finished",
                campaign=campaign.campaign_id,
                trace_id=trace_id_of(campaign.traceparent),
                total=campaign.total,
                **balance,
            )

    def _finish(self, cursor: Cursor, complete: list[FannedOutCampaign]) -> list[FannedOutCampaign]:
        finished = [campaign for campaign in complete if store.finish(cursor, campaign)]
        for campaign in finished:
            append_event(
                cursor,
                campaign.campaign_id,
                self._owner,
                from_state=CampaignState.RUNNING,
                to_state=CampaignState.FINISHED,
            )
        return finished
