"""Postponement: admitted messages go back that wait for long or hold others up."""

from collections.abc import Collection

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.shard import Shard
from campaign_providers.contract import SendResult
from campaign_sender.in_flight.admitted_messages import MOST_WAITING, AdmittedMessages
from campaign_sender.in_flight.admitted_queue import AdmittedQueue
from campaign_sender.in_flight.backlog import BACKLOG_SECONDS, LEAST_BACKLOG, Backlogs
from campaign_sender.in_flight.claim_window import ClaimBounds
from campaign_sender.message import Message


class Postponement:
    """Removal of messages that are not claimed from their queues; inside the buffer's lock.

    `batch_size`: number of messages of one provider at which fetching stops.
    """

    def __init__(
        self,
        admitted: AdmittedMessages,
        bounds: ClaimBounds,
        backlogs: Backlogs,
        batch_size: int,
    ) -> None:
        self._admitted = admitted
        self._bounds = bounds
        self._backlogs = backlogs
        self._batch_size = batch_size

    def take(
        self,
        in_use: Collection[str],
        stuck: Collection[Shard],
        *,
        is_shared: bool,
        holds_offsets: bool,
    ) -> list[SendResult[Message]]:
        """Take messages that are to wait in the database, and return their results.

        These wait for a resting provider, for a slow one before messages of other providers, for
        the rate of their campaign, or for its money.

        Args:
            in_use: providers that running campaigns choose.
            stuck: shards that will not be fetched any more unless their messages end.
            is_shared: several campaigns run, so that what waits for the rate of one is taken, too.
            holds_offsets: fetching stops for offsets that are held back.
        """
        backlogs = self._backlogs
        results: list[SendResult[Message]] = []
        used = {*in_use, *self._admitted.recent_providers()}
        for provider, queue in self._admitted.queues.items():
            room: int | None = None
            if not len(queue):
                continue
            if backlogs.rests(provider):
                room = 0
            else:
                if is_shared:
                    results += self._take_of_rates(provider, queue, stuck)
                if used - {provider} and (holds_offsets or len(queue) >= self._batch_size):
                    room = backlogs.room(provider, holds_offsets=holds_offsets)
            if room is None or len(queue) <= room:
                continue
            results += backlogs.postpone(provider, queue.take_excess(room))
        results += self._take_unfunded(stuck)
        return results

    def _take_of_rates(
        self, provider: str, queue: AdmittedQueue, stuck: Collection[Shard]
    ) -> list[SendResult[Message]]:
        """Take what waits for long for its campaign's rate, or holds up its shard."""
        results: list[SendResult[Message]] = []
        for campaign_id, waiting in queue.counts(self._bounds.campaigns_with_rate()).items():
            if stuck or waiting > LEAST_BACKLOG:
                results += self._take_of_rate(provider, queue, campaign_id, stuck)
        return results

    def _take_of_rate(
        self,
        provider: str,
        queue: AdmittedQueue,
        campaign_id: CampaignId,
        stuck: Collection[Shard],
    ) -> list[SendResult[Message]]:
        rate = self._bounds.rate_of(campaign_id)
        if rate is None:
            return []
        surplus: list[Message] = []
        if stuck:
            surplus += queue.take_if(lambda message: message.record.shard in stuck, [campaign_id])
        room = max(LEAST_BACKLOG, int(rate * BACKLOG_SECONDS))
        surplus += queue.take_excess_of(campaign_id, room)
        if not surplus:
            return []
        return self._backlogs.postpone_of_rate(provider, campaign_id, rate, surplus)

    def _take_unfunded(self, stuck: Collection[Shard]) -> list[SendResult[Message]]:
        """Take what waits for money and holds up its shard, and the latest of too much."""
        unfunded = self._admitted.unfunded
        surplus = unfunded.take_if(lambda message: message.record.shard in stuck)
        surplus += unfunded.take_excess(MOST_WAITING * self._batch_size)
        return [
            result for message in surplus for result in self._backlogs.postpone_unfunded(message)
        ]
