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

BACKLOG = 5.0
"""Seconds of sends that may wait here, where other providers would wait behind them."""

LEAST_BACKLOG = 100
"""Messages that may wait here, however slow their provider is, unless they hold offsets back."""

SLOWEST = 0.01
"""Messages a second of the slowest provider."""

RATE_AFTER_REST = 100.0
"""Messages a second that are due after a rest, where the rate of the provider is not known."""

FIRST_BOUND = 240.0
"""Seconds that a message waits at most in its first try: live limits may end a rest early, or raise
a rate. Doubled with each try."""

MAX_DOUBLINGS = 10


class Rest(NamedTuple):
    """Rest of a provider, in which nothing is sent."""

    seconds: float
    """Seconds until its end."""
    status: SendStatus = SendStatus.RESTING
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
        return max(1 if holds_offsets else LEAST_BACKLOG, int(rate * BACKLOG))

    def postpone(self, provider: str, messages: Iterable[Message]) -> list[SendResult[Message]]:
        """Return the results of messages that go back, each due by the rate of its provider."""
        now, rest, rate = self._clock(), self._rest_of(provider), self._rate_of(provider)
        if rest is None:
            rest, starts = Rest(0.0), now + BACKLOG
        else:
            starts, rate = now + rest.seconds, rate or RATE_AFTER_REST
        return self._results(provider, provider, _Queued(rest, starts, rate or 0.0), messages)

    def postpone_of_rate(
        self, provider: str, campaign_id: CampaignId, rate: float, messages: Iterable[Message]
    ) -> list[SendResult[Message]]:
        """Return the results of messages that go back, each due by the rate of its campaign."""
        queued = _Queued(Rest(0.0), self._clock() + BACKLOG, rate)
        return self._results(campaign_id, provider, queued, messages)

    def _results(
        self,
        key: str | CampaignId,
        provider: str,
        queued: "_Queued",
        messages: Iterable[Message],
    ) -> list[SendResult[Message]]:
        rest, starts, rate = queued
        now, interval = self._clock(), 1.0 / max(rate, SLOWEST)
        due = max(starts, self._due_until.get(key, 0.0))
        results = []
        for message in messages:
            if rest.wait_of is not None:
                wait = rest.wait_of(message)
            elif due - now <= (bound := _bound(message)):
                wait = due - now
                due += interval
            else:
                wait = bound * self._random.uniform(0.5, 1.0)
            results.append(SendResult(message, rest.status, None, None, wait))
        self._due_until[key] = due
        self._note_postponed(provider, [rest.status] * len(results))
        return results


class _Queued(NamedTuple):
    """Messages that are due from a time on, so many a second."""

    rest: Rest
    starts: float
    rate: float


def _bound(message: Message) -> float:
    return FIRST_BOUND * 2.0 ** min(message.record.try_number - 1, MAX_DOUBLINGS)
