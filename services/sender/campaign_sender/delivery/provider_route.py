"""Route to one provider: its client, its circuit breaker, and the checks before each send."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol

import structlog
from msgspec.structs import replace

from campaign_common.domain.campaign import CampaignId
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.provider_breakers import OpenBreaker
from campaign_providers.contract import (
    OnResults,
    SendResult,
    SendStatus,
)
from campaign_providers.registry import MakeProvider
from campaign_sender.delivery.circuit_breaker import BreakerState, CircuitBreaker
from campaign_sender.delivery.pacer import PacedQueue
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Message
from campaign_sender.metrics import SEND_RESULTS

HELD_BACK = frozenset({SendStatus.CIRCUIT_OPEN, SendStatus.ACCOUNT})
"""Statuses of messages that wait for the circuit breaker."""

SHORTEST_REST = 1.0
LONGEST_REST = 3600.0
"""Seconds of `Retry-After` for which all senders leave a provider alone."""

WITHOUT_SECRETS = "none"
"""Stands for the digest of an account without secrets."""

log = structlog.get_logger()


class SendChecks(Protocol):
    """View of the campaigns as last read, and the checks based on it."""

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent; None: this one may be sent."""

    def version_of(self, campaign_id: CampaignId) -> CampaignVersion | None:
        """Return a campaign as last read; None when none of its messages are held."""


class ProviderRoute:
    """One provider behind its circuit breaker."""

    def __init__(
        self,
        name: str,
        breaker: CircuitBreaker,
        guard: SendChecks,
        on_results: OnResults[Message],
        make: MakeProvider,
        limiter: ProviderLimiter | None = None,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._guard = guard
        self._on_results = on_results
        self._opened: list[OpenBreaker] = []
        self._account_digest: str | None = None
        self._account_ended = False
        self._counters = {status: SEND_RESULTS.labels(name, status.value) for status in SendStatus}
        self.paced: PacedQueue | None = None
        self.provider = make(self.check_before_send, self.on_results)
        if limiter is not None:
            self.paced = PacedQueue(
                limiter,
                self._guard.check_before_send,
                self.provider.submit,
                lambda: self.connections,
                lambda: self.breaker.remaining,
                self._report,
            )

    @property
    def connections(self) -> int | None:
        """Requests under way at most, by the provider and by its limits; None: no bound."""
        limited = None if self.paced is None else self.paced.limiter.connections
        bounds = [n for n in (self.provider.connections, limited) if n is not None]
        return min(bounds, default=None)

    def submit(self, messages: Sequence[Message]) -> None:
        """Hand messages whose claim is committed to the provider, at once or by their grants."""
        paced = self.paced
        if paced is not None and paced.is_needed:
            paced.add(messages)
        else:
            self.provider.submit(messages)

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages by the view of the database, by grants, then by the circuit breaker."""
        statuses = self._guard.check_before_send(messages)
        if self.paced is not None and self.paced.limiter.needs_grants:
            now = boot_time()
            statuses = [
                SendStatus.NOT_GRANTED if status is None and message.send_until < now else status
                for status, message in zip(statuses, messages, strict=True)
            ]
        if self.breaker.state is BreakerState.CLOSED:
            return statuses
        return [
            SendStatus.CIRCUIT_OPEN if status is None and not self.breaker.allows_send() else status
            for status in statuses
        ]

    def on_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Handle results of the provider: count them, and update the circuit breaker."""
        statuses = list(map(attrgetter("status"), results))
        self._count(statuses)
        if self.paced is not None and self.paced.is_needed:
            self.paced.note_ended(results)
        was_closed = self.breaker.state is BreakerState.CLOSED
        was_account = self.breaker.account_refused
        if self.breaker.record(statuses):
            self._note_opened(results)
        if not was_closed and self.breaker.state is BreakerState.CLOSED:
            log.info("circuit breaker closed", provider=self.name)
            self._account_ended = was_account
        if SendStatus.THROTTLED in statuses:
            self._rest_as_asked(results)
        if not HELD_BACK.isdisjoint(statuses):
            wait = self.breaker.remaining
            results = [
                replace(r, retry_after=max(wait, r.retry_after or 0.0))
                if r.status in HELD_BACK
                else r
                for r in results
            ]
        self._on_results(results)

    def _report(self, results: Sequence[SendResult[Message]]) -> None:
        """Pass on results of messages that were not submitted to the provider."""
        self._count(list(map(attrgetter("status"), results)))
        self._on_results(results)

    def _rest_as_asked(self, results: Sequence[SendResult[Message]]) -> None:
        """Let the provider rest in all senders for as long as an answer asks."""
        waits = [r.retry_after or 0.0 for r in results if r.status is SendStatus.THROTTLED]
        seconds = min(max(waits, default=0.0), LONGEST_REST)
        if seconds >= SHORTEST_REST and seconds > self.breaker.remaining:
            log.warning("provider asks to wait, sends stopped", provider=self.name, seconds=seconds)
            self.breaker.open_for(seconds)
            self._opened.append(OpenBreaker(seconds))

    def _note_opened(self, results: Sequence[SendResult[Message]]) -> None:
        seconds = self.breaker.remaining
        if not self.breaker.account_refused:
            log.warning("circuit breaker opened", provider=self.name, seconds=seconds)
            self._opened.append(OpenBreaker(seconds))
            return
        code = next(r.error_code for r in results if r.status is SendStatus.ACCOUNT)
        log.error(
            "provider refuses the account, sends stopped",
            provider=self.name,
            error=code,
            seconds=seconds,
        )
        self._account_digest = self.provider.account_digest
        self._opened.append(OpenBreaker(seconds, self._account_digest or WITHOUT_SECRETS))

    def _count(self, statuses: Sequence[SendStatus]) -> None:
        # Status by status, each at the speed of list.count: nearly all are accepted.
        left = len(statuses)
        for status, counter in self._counters.items():
            if not left:
                break
            if n := statuses.count(status):
                counter.inc(n)
                left -= n

    def take_opened(self) -> OpenBreaker | None:
        """Return how the breaker opened last since the last request, None if it did not."""
        opened, self._opened = self._opened, []
        return opened[-1] if opened else None

    def take_account_ended(self) -> bool:
        """Return whether a refused account may be accepted again, since the last request.

        It was accepted, or there is another secret now.
        """
        ended, self._account_ended = self._account_ended, False
        if self.breaker.account_refused and self.provider.account_digest != self._account_digest:
            self._account_digest = self.provider.account_digest
            self.breaker.probe_account()
            return True
        return ended

    def follow(self, elsewhere: OpenBreaker | None) -> None:
        """Follow the breaker that is open in other senders, None where none is.

        One of an account holds those of the same secret; when it ends early, it may be tried again.
        """
        own = self.provider.account_digest or WITHOUT_SECRETS
        if elsewhere is not None and elsewhere.account in (None, own):
            refused = elsewhere.account is not None
            if refused:
                self._account_digest = self.provider.account_digest
            self.breaker.open_for(elsewhere.seconds, account_refused=refused)
        else:
            self.breaker.probe_account()
