"""Route to one provider: its client, its circuit breaker, and the checks before each send."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Protocol

import structlog
from msgspec.structs import replace

from campaign_common.store.campaigns import CampaignVersion
from campaign_sender.delivery.circuit_breaker import Breaker, BreakerState
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, PreSendCheck, Provider, Report, Result

MakeProvider = Callable[[PreSendCheck, Report], Provider]

log = structlog.get_logger()


class SendChecks(Protocol):
    """Knows the campaigns as last read."""

    def check_before_send(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Decide immediately before calls; None means that this one may start."""

    def version_of(self, campaign_id: int) -> CampaignVersion | None:
        """Return a campaign as last read; None when nothing of it is held here."""


class Line:
    """One provider behind its circuit breaker."""

    def __init__(
        self, name: str, breaker: Breaker, guard: SendChecks, report: Report, make: MakeProvider
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._guard = guard
        self._report = report
        self._opened: list[float] = []
        self._counting = threading.Lock()
        self.answers: Counter[Answer] = Counter()
        """Results reported, for the metrics."""
        self.provider = make(self.check_before_send, self.report)

    def check_before_send(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Decide immediately before calls: by the database's state, then by the breaker's."""
        answers = self._guard.check_before_send(messages)
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
