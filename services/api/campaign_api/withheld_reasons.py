"""Reasons why senders can not send, which are withheld from keys without the scope admin."""

from collections.abc import Sequence
from typing import TypeVar

from campaign_common.store.maintenance.statistics import RecentHeartbeat, SenderHeartbeat

HeartbeatT = TypeVar("HeartbeatT", RecentHeartbeat, SenderHeartbeat)

REASON_WITHHELD = "can not send to it; a key with the scope admin is shown why"
"""Stands for what a sender says, which may name a secret and its file."""


def without_reasons(senders: Sequence[HeartbeatT]) -> list[HeartbeatT]:
    """Return senders that say whether they can send, and not why."""
    return [
        sender
        if sender.providers is None
        else sender._replace(
            providers={
                name: None if problem is None else REASON_WITHHELD
                for name, problem in sender.providers.items()
            }
        )
        for sender in senders
    ]
