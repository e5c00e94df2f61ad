"""Job that finishes campaigns whose recipients all have an outcome (protocol rule 10)."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Cursors, Databases
from campaign_common.database.by_server import ByServer
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.message import FINAL, Status
from campaign_common.store.campaigns import finishing as store
from campaign_common.store.campaigns.finishing import FannedOutCampaign
from campaign_common.store.core.counters import counts_by_status
from campaign_common.store.core.events import append_event
from campaign_common.tracing import trace_id_of

BATCH = 200
"""Campaigns whose counters are read in one statement."""

AlsoFinish = Callable[[Cursor, Sequence[CampaignId]], None]

_log = structlog.get_logger()


def is_complete(total: int, counts: Mapping[Status, int], *, has_open_command: bool) -> bool:
    """Return whether a campaign that is all fanned out is complete.

    The number of final outcomes must be the total, so that no message waits for a retry, and no
    command to the owner of a shard may be open that could set a message back to waiting.
    """
    final = sum(n for status, n in counts.items() if status in FINAL)
    return final == total and not has_open_command


class CampaignFinisher:
    """Finisher of the complete campaigns among those that `owner` leases.

    `also`: part of the transaction that finishes campaigns.
    """

    def __init__(self, databases: Databases, owner: str, also: AlsoFinish | None = None) -> None:
        self._databases = databases
        self._owner = owner
        self._also = also

    def finish_complete(self) -> None:
        """Finish every complete campaign.

        Raises:
            RetryLater: a database is down. Campaigns whose shards are all on the main server are
                finished before, the others by the next run.
        """
        with self._databases.main.reading() as cursor:
            candidates = store.fanned_out(cursor, self._owner)
        on_main = [one for one in candidates if self._lives_on_main(one)]
        for first in range(0, len(on_main), BATCH):
            batch = on_main[first : first + BATCH]
            with self._databases.main.reading() as cursor:
                found = self._read_commands_and_counts(batch, ByServer((cursor,)))
            self._finish_batch(batch, *found)
        spread = [one for one in candidates if not self._lives_on_main(one)]
        for first in range(0, len(spread), BATCH):
            batch = spread[first : first + BATCH]
            with self._databases.reading() as cursors:
                found = self._read_commands_and_counts(batch, cursors)
            self._finish_batch(batch, *found)

    def _lives_on_main(self, campaign: FannedOutCampaign) -> bool:
        return all(shard >= campaign.shards for shard in self._databases.remote_shards)

    def _read_commands_and_counts(
        self, candidates: list[FannedOutCampaign], cursors: Cursors
    ) -> tuple[set[CampaignId], Mapping[CampaignId, Mapping[Status, int]]]:
        """Read the campaigns with open commands, and the counters of all.

        The epochs were read before. A campaign that is set back in between has another epoch,
        and is not finished.
        """
        campaign_ids = [campaign.campaign_id for campaign in candidates]
        return store.with_open_requests(cursors, campaign_ids), counts_by_status(
            cursors, campaign_ids
        )

    def _finish_batch(
        self,
        candidates: list[FannedOutCampaign],
        with_commands: set[CampaignId],
        counts: Mapping[CampaignId, Mapping[Status, int]],
    ) -> None:
        complete = [
            campaign
            for campaign in candidates
            if is_complete(
                campaign.total,
                counts[campaign.campaign_id],
                has_open_command=campaign.campaign_id in with_commands,
            )
        ]
        if not complete:
            return
        for campaign in self._databases.main.run(
            lambda cursor: self._finish(cursor, complete, counts)
        ):
            balance = _balance(counts[campaign.campaign_id])
            _log.info(
                "campaign finished",
                campaign=campaign.campaign_id,
                trace_id=trace_id_of(campaign.traceparent),
                total=campaign.total,
                **balance,
            )

    def _finish(
        self,
        cursor: Cursor,
        complete: list[FannedOutCampaign],
        counts: Mapping[CampaignId, Mapping[Status, int]],
    ) -> list[FannedOutCampaign]:
        finished = [campaign for campaign in complete if store.finish(cursor, campaign)]
        for campaign in finished:
            append_event(
                cursor,
                campaign.campaign_id,
                self._owner,
                from_state=CampaignState.RUNNING,
                to_state=CampaignState.FINISHED,
                balance={"total": campaign.total, **_balance(counts[campaign.campaign_id])},
            )
        if self._also is not None:
            self._also(cursor, [campaign.campaign_id for campaign in finished])
        return finished


def _balance(counts: Mapping[Status, int]) -> dict[str, int]:
    return {status.word: n for status, n in counts.items() if n}
