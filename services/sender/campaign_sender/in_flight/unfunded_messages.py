"""Short messages: admitted messages that wait for money of their campaign's budget, in no queue."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, filterfalse

from campaign_common.domain.campaign import CampaignId
from campaign_sender.message import Message


class UnfundedMessages:
    """Messages by campaign, in their order; not safe for use by several threads at once."""

    def __init__(self) -> None:
        self._of: dict[CampaignId, list[Message]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __iter__(self) -> Iterator[Message]:
        return chain.from_iterable(self._of.values())

    @property
    def campaigns(self) -> Collection[CampaignId]:
        """Campaigns of which messages wait; later ones of theirs wait behind them."""
        return self._of.keys()

    def first(self) -> list[Message]:
        """Return the first message of each campaign."""
        return [messages[0] for messages in self._of.values()]

    def add(self, messages: Sequence[Message]) -> None:
        """Add messages behind the others of their campaigns."""
        for message in messages:
            self._of.setdefault(message.record.campaign_id, []).append(message)

    def take_all(self) -> list[Message]:
        """Take every message."""
        taken, self._of = [*self], {}
        return taken

    def take_if(self, condition: Callable[[Message], bool]) -> list[Message]:
        """Take every message that meets a condition."""
        taken: list[Message] = []
        kept: dict[CampaignId, list[Message]] = {}
        for campaign_id, messages in self._of.items():
            taken += filter(condition, messages)
            if left := [*filterfalse(condition, messages)]:
                kept[campaign_id] = left
        self._of = kept
        return taken

    def take_excess(self, most: int) -> list[Message]:
        """Take the latest messages of each campaign, where there are more than `most` of all."""
        if len(self) <= most:
            return []
        keep = most // len(self._of)
        latest = {id(one) for messages in self._of.values() for one in messages[keep:]}
        return self.take_if(lambda message: id(message) in latest)
