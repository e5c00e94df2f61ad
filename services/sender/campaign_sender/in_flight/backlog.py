"""Backlog of a slow or resting provider: how much of it waits in this process, and what goes back.

A message that goes back is *postponed*: its outcome is that it waits, without an attempt, and it is
published again when it is due.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.message import Message

BACKLOG_SECONDS = 5.0
"""Seconds of sends that may wait here, where other providers would wait behind them."""

LEAST_BACKLOG = 100
"""Messages that may wait here, however slow their provider is, unless they hold offsets back."""

SLOWEST = 0.01
"""Messages a second of the slowest provider."""

ASSUMED_RATE = 100.0
"""Messages a second that are due after a rest, where the rate of the provider is not known, and of
a campaign that lacks money."""

LONGEST_DELAY = 240.0
"""Seconds that a message waits at most: live limits may end a rest early, or raise a rate."""

FIRST_DELAY = 15.0
"""Seconds that it waits at most for the end of a rest in its first try; doubled with each try."""

DELAY_DOUBLINGS = 10


class Rest(NamedTuple):
    """Rest of a provider, in which nothing is sent."""

    seconds: float
    """Seconds until its end."""
    status: SendStatus = SendStatus.LIMITED
    wait_of: Callable[[Message], float] | None = None
    """Returns the seconds that a message waits, where the rest does not say it."""


class Backlogs:
    """Backlogs of all providers of a shard group; used inside the buffer's lock.

    `rest_of`: present rest of a provider. `rate_of`: its messages a second in this process; None:
    not known. `note_postponed` is told the statuses of postponed messages.
    """

    def __init__(
        self,
        rest_of: Callable[[str], Rest | None],
        rate_of: Callable[[str], float | None],
        note_postponed: Callable[[str, Sequence[SendStatus]], None],
        clock: Callable[[], float],
    ) -> None:
        self._rest_of = rest_of
        self._rate_of = rate_of
        self._note_postponed = note_postponed
        self._clock = clock
        self._random = Random()  # noqa: S311 - spreads retries, protects nothing
        self._due_until: dict[str | CampaignId, float] = {}
        """When the last postponed message is due, of a provider or of a campaign with a rate: later
        ones come behind it."""

    def rests(self, provider: str) -> bool:
        """Return whether nothing is sent to a provider at present."""
        return self._rest_of(provider) is not None

    def room(self, provider: str, *, holds_offsets: bool) -> int | None:
        """Return how many messages of a provider may wait where others wait behind; None: all.

        `holds_offsets`: others wait since the oldest messages here hold the recorded offset back.
        """
        rate = self._rate_of(provider)
        if rate is None:
            return None
        return max(1 if holds_offsets else LEAST_BACKLOG, int(rate * BACKLOG_SECONDS))

    def postpone(self, provider: str, messages: Iterable[Message]) -> list[SendResult[Message]]:
        """Return the results of messages that go back, each due by the rate of its provider."""
        rest = self._rest_of(provider)
        status = SendStatus.LIMITED if rest is None else rest.status
        if rest is not None and rest.wait_of is not None:
            waits = [(message, rest.wait_of(message)) for message in messages]
        else:
            rate = self._rate_of(provider)
            if rest is not None:
                rate = rate or ASSUMED_RATE
            waits = self._spread(provider, rate, messages, rest)
        self._note_postponed(provider, [status] * len(waits))
        return [SendResult(message, status, None, None, wait) for message, wait in waits]

    def postpone_of_rate(
        self, provider: str, campaign_id: CampaignId, rate: float, messages: Iterable[Message]
    ) -> list[SendResult[Message]]:
        """Return the results of messages that go back, each due by the rate of its campaign."""
        waits = self._spread(campaign_id, rate, messages, None)
        self._note_postponed(provider, [SendStatus.LIMITED] * len(waits))
        return [
            SendResult(message, SendStatus.LIMITED, None, None, wait) for message, wait in waits
        ]

    def postpone_unfunded(self, message: Message) -> list[SendResult[Message]]:
        """Return the result of a message that goes back, since there is no money for it."""
        return self.postpone_of_rate(
            message.provider, message.record.campaign_id, ASSUMED_RATE, [message]
        )

    def _spread(
        self,
        key: str | CampaignId,
        rate: float | None,
        messages: Iterable[Message],
        rest: Rest | None,
    ) -> list[tuple[Message, float]]:
        """Return for how long each message waits: one after the other, or for a bounded time."""
        now = self._clock()
        is_day = rest is not None and rest.status is SendStatus.LIMITED
        starts = now + (BACKLOG_SECONDS if rest is None else rest.seconds)
        interval = 1.0 / max(rate or 0.0, SLOWEST)
        due = max(starts, self._due_until.get(key, 0.0))
        waits = []
        for message in messages:
            # A circuit breaker ends when it says, and the rest of a day with other limits, too.
            least = 0.0 if rest is None or is_day else rest.seconds
            longest = _bound(message) if is_day else LONGEST_DELAY
            wait = due - now
            if wait <= least + longest:
                due += interval
            else:
                wait = least + longest * self._random.uniform(0.5, 1.0)
            waits.append((message, wait))
        self._due_until[key] = due
        return waits


def _bound(message: Message) -> float:
    doublings = min(message.record.try_number - 1, DELAY_DOUBLINGS)
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0**doublings)
