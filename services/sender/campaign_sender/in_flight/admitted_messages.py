"""Admitted messages: all that are not claimed yet, in a queue for each provider.

Those that wait for money of their campaign are in no queue.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from time import monotonic

from campaign_common.domain.campaign import CampaignId
from campaign_sender.in_flight.admitted_queue import AdmittedQueue
from campaign_sender.in_flight.claim_window import ClaimBounds
from campaign_sender.in_flight.funds import Funds
from campaign_sender.in_flight.rate_allowances import RateAllowances, use
from campaign_sender.in_flight.unfunded_messages import UnfundedMessages
from campaign_sender.message import Message

MOST_WAITING = 4
"""Messages of one provider that wait here at most, as a multiple of a batch: those of campaigns
with a rate beside others; and of all campaigns that wait for money."""

SEEN_FOR = 60.0
"""Seconds for which a provider counts as used here after a message of it was admitted."""


class AdmittedMessages:
    """Messages of a shard group that are not claimed yet; used inside the buffer's lock.

    `bounds`: how many of single providers and campaigns may be claimed. `funds`: money of the
    campaigns that have a budget.
    """

    def __init__(self, bounds: ClaimBounds, funds: Funds) -> None:
        self._bounds = bounds
        self._funds = funds
        self._allowances = RateAllowances(bounds)
        self.unfunded = UnfundedMessages()
        """Messages that wait for money."""
        self.queues: dict[str, AdmittedQueue] = {}
        """The others, by provider."""
        self._admitted_at: dict[str, float] = {}
        """Monotonic time of the last admission by provider."""

    def extend(self, runs: Mapping[tuple[str, CampaignId], Sequence[Message]]) -> None:
        """Add messages by provider and campaign, behind those that wait."""
        self._allowances.count_again()
        now = monotonic()
        for (provider, campaign_id), run in runs.items():
            self._queue_of(provider).extend(campaign_id, run)
            self._admitted_at[provider] = now

    def put_back(self, messages: Iterable[Message]) -> None:
        """Put messages before all others of their provider and campaign, the last one foremost."""
        for message in messages:
            self._queue_of(message.provider).put_back(message)

    def queue_unfunded(self) -> None:
        """Queue messages again that waited for money."""
        self.put_back(reversed(self.unfunded.take_all()))
        self._allowances.count_again()

    def take_if(self, condition: Callable[[Message], bool]) -> list[Message]:
        """Take every message that meets a condition."""
        taken = self.unfunded.take_if(condition)
        for queue in self.queues.values():
            taken += queue.take_if(condition)
        return taken

    # --- claims -----------------------------------------------------------------------------

    def count_again(self) -> None:
        """Count again what campaigns with a rate allow: messages are to be taken, or end."""
        self._allowances.count_again()

    def claimable(
        self, room: int, claimed_of: Counter[str], ending: Mapping[str, int]
    ) -> dict[str, int]:
        """Return how many messages of each provider may be claimed.

        `room`: how many of all. Of each provider `claimed_of` are claimed, of which those in
        `ending` end first. Providers share the room; one that needs less leaves it to the others.
        """
        wanted: dict[str, int] = {}
        for provider, queue in self.queues.items():
            if available := self._allowances.available(provider, queue):
                claimed = claimed_of[provider] - ending.get(provider, 0)
                n = min(available, self._bounds.claimable(provider, max(0, claimed), available))
                if n:
                    wanted[provider] = n
        claimable: dict[str, int] = {}
        for left, (provider, n) in zip(
            range(len(wanted), 0, -1), sorted(wanted.items(), key=itemgetter(1)), strict=True
        ):
            if n := min(n, -(-room // left)):
                claimable[provider] = n
                room -= n
        return claimable

    def take(self, claimable: Mapping[str, int]) -> list[Message]:
        """Take messages of each provider to claim; set aside those that lack money."""
        claims: list[Message] = []
        for provider, n in claimable.items():
            self._take_funded(provider, n, claims)
        return claims

    def _take_funded(self, provider: str, n: int, claims: list[Message]) -> None:
        """Take up to `n` messages of a provider that have their money, and append them to `claims`.

        One that lacks it holds no message of another campaign back; those of its own wait behind.
        """
        queue, cost_of = self.queues[provider], self._bounds.cost_of(provider)
        end = len(claims) + n
        allowed = self._allowances.of(queue, claims)
        while len(claims) < end:
            taken = queue.take(end - len(claims), allowed, cost_of)
            if not taken:
                return
            funded, unfunded = self._funds.reserve(taken, self.unfunded.campaigns)
            claims += funded
            use(allowed, funded)
            self.unfunded.add(unfunded)

    # --- what waits -------------------------------------------------------------------------

    def has_queued(self) -> bool:
        """Return whether any message is in a queue."""
        return any(map(len, self.queues.values()))

    def count(self, provider: str) -> int:
        """Return the number of messages in a provider's queue."""
        return len(self.queues.get(provider, ()))

    def counts(self, campaigns: Collection[CampaignId]) -> Counter[CampaignId]:
        """Count the messages of some campaigns in all queues."""
        waiting: Counter[CampaignId] = Counter()
        for queue in self.queues.values():
            waiting.update(queue.counts(campaigns))
        return waiting

    def of(self, providers: Collection[str], campaigns: Collection[CampaignId]) -> list[Message]:
        """Return the messages of some providers and campaigns, and all that wait for money."""
        waiting = [
            message
            for provider, queue in self.queues.items()
            for message in (queue if provider in providers else queue.of(campaigns))
        ]
        waiting += self.unfunded
        return waiting

    def recent_providers(self) -> set[str]:
        """Return the providers of which a message was admitted within `SEEN_FOR` seconds."""
        since = monotonic() - SEEN_FOR
        return {provider for provider, at in self._admitted_at.items() if at >= since}

    def may_grow(self, batch_size: int) -> bool:
        """Return whether more may be fetched; messages that wait for a rate hold none back.

        As few of them are published as their campaigns let through in seconds.
        """
        for queue in self.queues.values():
            size = len(queue)
            if size < batch_size:
                continue
            slow = sum(queue.counts(self._bounds.campaigns_with_rate()).values())
            if size - slow >= batch_size or size >= MOST_WAITING * batch_size:
                return False
        return True

    def _queue_of(self, provider: str) -> AdmittedQueue:
        queue = self.queues.get(provider)
        if queue is None:
            queue = self.queues[provider] = AdmittedQueue(self._bounds.priority_of)
        return queue
