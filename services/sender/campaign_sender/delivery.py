"""Delivery: claimed messages go to their provider, and come back to the desk with a result."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Protocol

import structlog
from msgspec.structs import replace

from campaign_common.store.campaigns import CampaignVersion
from campaign_sender.breaker import Breaker, BreakerState
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, LastLook, Provider, Report, Result

log = structlog.get_logger()

MakeProvider = Callable[[LastLook, Report], Provider]


class Holding(Protocol):
    """Knows which messages are this process's, and takes what became of them."""

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those records that are still this process's to work on."""

    def report(self, results: Sequence[Result]) -> None:
        """Take results from a provider."""


class Sight(Protocol):
    """Knows the campaigns as last read."""

    def last_look(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Decide immediately before calls; None means that this one may start."""

    def version_of(self, campaign_id: int) -> CampaignVersion | None:
        """Return a campaign as last read; None when nothing of it is held here."""


class Line:
    """One provider behind its circuit breaker."""

    def __init__(
        self, name: str, breaker: Breaker, lookout: Sight, report: Report, make: MakeProvider
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._lookout = lookout
        self._report = report
        self._opened: list[float] = []
        self._counting = threading.Lock()
        self.answers: Counter[Answer] = Counter()
        """Results reported, for the metrics."""
        self.provider = make(self.last_look, self.report)

    def last_look(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Decide immediately before calls: by the database's state, then by the breaker's."""
        answers = self._lookout.last_look(messages)
        if self.breaker.state is BreakerState.CLOSED:
            return answers
        return [
            Answer.LEFT_ALONE if answer is None and not self.breaker.permits_call() else answer
            for answer in answers
        ]

    def report(self, results: Sequence[Result]) -> None:
        """Take results from the provider, and learn from them how it is."""
        answers = list(map(attrgetter("answer"), results))
        self._count(answers)
        was_closed = self.breaker.state is BreakerState.CLOSED
        if self.breaker.note(answers):
            seconds = self.breaker.remaining
            log.warning("provider is left alone", provider=self.name, seconds=seconds)
            self._opened.append(seconds)
        if not was_closed and self.breaker.state is BreakerState.CLOSED:
            log.info("provider is called again", provider=self.name)
        if Answer.LEFT_ALONE in answers:
            wait = self.breaker.remaining
            results = [
                replace(r, retry_after=wait) if r.answer is Answer.LEFT_ALONE else r
                for r in results
            ]
        self._report(results)

    def _count(self, answers: Sequence[Answer]) -> None:
        # Answer by answer, each at the speed of list.count: nearly all are accepted.
        left = len(answers)
        with self._counting:
            for answer in Answer:
                if not left:
                    break
                n = answers.count(answer)
                self.answers[answer] += n
                left -= n

    def take_opened(self) -> float | None:
        """Return for how long the breaker opened here since the last call, None if it did not."""
        opened, self._opened = self._opened, []
        return max(opened, default=None)


def _all(_: Message) -> bool:
    return True


class Delivery:
    """Hands claimed messages to their campaign's provider.

    Messages for which no call may start just now (the database is out of sight) stay claimed
    and are offered again.
    """

    def __init__(self, desk: Holding, lookout: Sight) -> None:
        self._desk = desk
        self._lookout = lookout
        self._lines: dict[str, Line] = {}
        self._postponed: list[Message] = []
        self._lock = threading.Lock()

    def add(self, name: str, breaker: Breaker, make: MakeProvider) -> None:
        """Make a provider available under its name."""
        self._lines[name] = Line(name, breaker, self._lookout, self.report, make)

    @property
    def alive(self) -> bool:
        """Return whether every provider works on what it is given."""
        return all(line.provider.alive for line in self._lines.values())

    @property
    def lines(self) -> Mapping[str, Line]:
        """Every provider that is configured, by its name."""
        return self._lines

    def is_idempotent(self, name: str) -> bool:
        """Return whether a provider answers a repeated key as it did before; an unknown one no."""
        line = self._lines.get(name)
        return line is not None and line.provider.idempotent

    def hand_over(self, messages: Sequence[Message]) -> None:
        """Start the calls of messages whose claim is committed.

        Messages that are not this process's any more are left to whoever owns their shard.
        """
        by_campaign: dict[int, list[Message]] = defaultdict(list)
        for message in self._desk.still_held(messages):
            by_campaign[message.record.campaign_id].append(message)
        for campaign_id, group in by_campaign.items():
            version = self._lookout.version_of(campaign_id)
            if version is None:
                self.report([Result(message, Answer.NOT_NOW) for message in group])
            elif (line := self._lines.get(version.provider)) is None:
                self.report(
                    [
                        Result(message, Answer.RETRYABLE, None, "provider_not_configured")
                        for message in group
                    ]
                )
            else:
                line.provider.submit(group)

    def report(self, results: Sequence[Result]) -> None:
        """Take results: keep what was not called yet, pass on the rest."""
        postponed = [r.message for r in results if r.answer is Answer.NOT_NOW]
        if postponed:
            with self._lock:
                self._postponed.extend(postponed)
            results = [r for r in results if r.answer is not Answer.NOT_NOW]
        if results:
            self._desk.report(results)

    def offer_postponed(self, seen: Callable[[Message], bool] = _all) -> None:
        """Hand over again what could not be called; called after a successful look.

        `seen` tells whether that look was at the server that holds a message's shard.
        """
        with self._lock:
            postponed = self._postponed
            offered = [message for message in postponed if seen(message)]
            self._postponed = [message for message in postponed if not seen(message)]
        if offered:
            self.hand_over(offered)

    def opened_breakers(self) -> dict[str, float]:
        """Return which breakers opened here since the last call, and for how many seconds."""
        opened = {name: line.take_opened() for name, line in self._lines.items()}
        return {name: seconds for name, seconds in opened.items() if seconds is not None}

    def open_breakers(self, seconds: Mapping[str, float]) -> None:
        """Open the breakers that other senders opened."""
        for name, line in self._lines.items():
            line.breaker.open_for(seconds.get(name, 0.0))

    def close(self) -> None:
        """Close every provider."""
        for line in self._lines.values():
            line.provider.close()
