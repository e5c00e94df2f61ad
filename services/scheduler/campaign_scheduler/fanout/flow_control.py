"""Parameters of fan-out's flow control."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from campaign_scheduler.fanout.partition_backlog import PartitionBacklog
from campaign_scheduler.fanout.publish_window import PublishWindow

INITIAL_CHUNKS = 2
"""Chunks of a campaign that may be outstanding before its rate is known."""

MIN_STALL_SECONDS = 1.0
"""Seconds, to which 1.5 windows are added, without an outcome: then a partition is stalled."""


@dataclass(frozen=True)
class FlowControl:
    """The size of a chunk, and factories for the window and the backlog of a campaign."""

    chunk_size: int
    new_window: Callable[[], PublishWindow]
    new_backlog: Callable[[], PartitionBacklog]

    @classmethod
    def for_window(cls, chunk_size: int, window_seconds: float) -> "FlowControl":
        """Limit the queue of each campaign to so many seconds of its rate."""
        return cls(
            chunk_size,
            partial(PublishWindow, window_seconds, INITIAL_CHUNKS * chunk_size),
            partial(PartitionBacklog, MIN_STALL_SECONDS + 1.5 * window_seconds),
        )
