"""Admitted queue: messages of one provider that are not claimed yet, by campaign.

They are taken by deficit round robin, with the campaigns' priorities as weights: a campaign that
begins beside others has its share at once, however many messages of theirs wait.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heapreplace

from campaign_common.domain.campaign import CampaignId
from campaign_sender.message import Message

FEWEST_TURNS = 64
"""Turns that a batch is taken in, about: the more is taken at once, the more in each turn."""


class _CampaignQueue:
    """Messages of one campaign, and how much of its turns it has not used; less than 0: owes."""

    __slots__ = ("deficit", "messages")

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.deficit = 0


class AdmittedQueue:
    """Messages of one provider; not safe for use by several threads at once."""

    def __init__(self, priority_of: Callable[[CampaignId], int]) -> None:
        self._priority_of = priority_of
        self._queues: OrderedDict[CampaignId, _CampaignQueue] = OrderedDict()
        """In the order of their turns; one that is empty pays what it owes by its next turns."""
        self._size = 0
        self._charge_of: Callable[[Message], int] = _no_charge
        """Charge of a message, as in the latest turns."""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Message]:
        return (message for queue in self._queues.values() for message in queue.messages)

    def of(self, campaigns: Collection[CampaignId]) -> Iterator[Message]:
        """Return the messages of some campaigns."""
        found = (queue for one, queue in self._queues.items() if one in campaigns)
        return (message for queue in found for message in queue.messages)

    def count(self, campaign_id: CampaignId) -> int:
        """Return the number of messages of a campaign."""
        queue = self._queues.get(campaign_id)
        return len(queue.messages) if queue is not None else 0

    def counts(self, campaigns: Collection[CampaignId]) -> dict[CampaignId, int]:
        """Return the number of messages of each of some campaigns that has any."""
        return {
            one: len(queue.messages)
            for one, queue in self._queues.items()
            if queue.messages and one in campaigns
        }

    def extend(self, campaign_id: CampaignId, messages: Sequence[Message]) -> None:
        """Add messages of one campaign behind its others."""
        self._of(campaign_id).messages.extend(messages)
        self._size += len(messages)

    def put_back(self, message: Message) -> None:
        """Put a message that was taken before all others of its campaign; it is paid back."""
        queue = self._of(message.record.campaign_id)
        queue.messages.appendleft(message)
        if queue.deficit < 0:
            queue.deficit = min(0, queue.deficit + self._charge_of(message))
        self._size += 1

    def available(self, allowed: Mapping[CampaignId, int]) -> int:
        """Return how many messages may be taken, of some campaigns only as many as `allowed`."""
        return self._size - sum(max(0, self.count(one) - n) for one, n in allowed.items())

    def take(
        self,
        wanted: int,
        allowed: Mapping[CampaignId, int],
        cost_of: Callable[[Message], int] | None = None,
    ) -> list[Message]:
        """Take up to so many messages, of some campaigns only as many as `allowed`.

        `cost_of`: units of a message in which shares are counted; None: each is one.
        """
        if len(self._queues) == 1 and not allowed:
            (queue,) = self._queues.values()
            n = min(wanted, len(queue.messages))
            self._size -= n
            take = queue.messages.popleft
            return [take() for _ in range(n)]
        return self._take_in_turns(wanted, dict(allowed), cost_of)

    def _take_in_turns(
        self,
        wanted: int,
        allowed: dict[CampaignId, int],
        cost_of: Callable[[Message], int] | None,
    ) -> list[Message]:
        taken: list[Message] = []
        priorities = {campaign_id: self._priority_of(campaign_id) for campaign_id in self._queues}
        # The most important campaign has a message in each turn, or several of a large batch.
        unit = max(priorities.values(), default=1)
        scale = 1 + wanted // FEWEST_TURNS
        self._charge_of = charge_of = _charges(unit, cost_of)
        blocked = self._set_aside(
            [
                one
                for one, queue in self._queues.items()
                if queue.messages and not allowed.get(one, 1)
            ]
        )
        used_up: dict[CampaignId, _CampaignQueue] = {}
        while len(taken) < wanted and self._queues:
            campaign_id, queue = next(iter(self._queues.items()))
            messages = queue.messages
            room = min(wanted - len(taken), allowed.get(campaign_id, wanted))
            if messages and room <= 0:
                used_up |= self._set_aside([campaign_id])
                continue
            if queue.deficit <= 0:
                queue.deficit += priorities[campaign_id] * scale
            before = len(taken)
            while messages and room > 0 and queue.deficit > 0:
                message = messages.popleft()
                taken.append(message)
                queue.deficit -= charge_of(message)
                room -= 1
            if campaign_id in allowed:
                allowed[campaign_id] -= len(taken) - before
            if not messages and queue.deficit >= 0:
                del self._queues[campaign_id]
            elif queue.deficit <= 0 or len(taken) < wanted:
                self._queues.move_to_end(campaign_id)
        self._size -= len(taken)
        self._queues.update(used_up)
        for campaign_id, queue in reversed(blocked.items()):
            self._queues[campaign_id] = queue
            self._queues.move_to_end(campaign_id, last=False)
        return taken

    def _set_aside(self, campaigns: Iterable[CampaignId]) -> dict[CampaignId, _CampaignQueue]:
        """Leave campaigns out of the turns that are being taken, as none of them may be."""
        return {campaign_id: self._queues.pop(campaign_id) for campaign_id in campaigns}

    def take_excess(self, keep: int) -> list[Message]:
        """Take the latest messages of the longest queues, until `keep` are left."""
        lengths = [(-len(queue.messages), one) for one, queue in self._queues.items()]
        heapify(lengths)
        excess: list[Message] = []
        while self._size > keep:
            length, campaign_id = lengths[0]
            excess.append(self._queues[campaign_id].messages.pop())
            self._size -= 1
            heapreplace(lengths, (length + 1, campaign_id))
        excess.reverse()
        return excess

    def take_excess_of(self, campaign_id: CampaignId, keep: int) -> list[Message]:
        """Take the latest messages of a campaign, until `keep` are left."""
        queue = self._queues.get(campaign_id)
        if queue is None or len(queue.messages) <= keep:
            return []
        excess = [queue.messages.pop() for _ in range(len(queue.messages) - keep)]
        self._size -= len(excess)
        excess.reverse()
        return excess

    def take_if(
        self, condition: Callable[[Message], bool], campaigns: Iterable[CampaignId] | None = None
    ) -> list[Message]:
        """Take every message that meets a condition, of all campaigns or of some."""
        taken: list[Message] = []
        for campaign_id in list(self._queues) if campaigns is None else campaigns:
            queue = self._queues.get(campaign_id)
            if queue is None:
                continue
            found = [message for message in queue.messages if condition(message)]
            if found:
                queue.messages = deque(m for m in queue.messages if not condition(m))
                taken += found
        self._size -= len(taken)
        return taken

    def _of(self, campaign_id: CampaignId) -> _CampaignQueue:
        queue = self._queues.get(campaign_id)
        if queue is None:
            queue = self._queues[campaign_id] = _CampaignQueue()
        return queue


def _no_charge(_: Message) -> int:
    return 0


def _charges(unit: int, cost_of: Callable[[Message], int] | None) -> Callable[[Message], int]:
    """Return what a message is charged, in shares of a turn."""
    if cost_of is None:
        return lambda _: unit
    return lambda message: unit * cost_of(message)
