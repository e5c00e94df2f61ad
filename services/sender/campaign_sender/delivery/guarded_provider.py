"""Guarded provider: the client of one provider, its breaker, and the checks before each send."""

from collections.abc import Mapping, Sequence
from math import inf
from operator import attrgetter
from typing import Protocol

import structlog
from msgspec.structs import replace

from campaign_common.domain.campaign import CampaignId
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.provider_account_breakers import (
    NOTED_AGAIN_AFTER,
    AccountBreakers,
)
from campaign_common.store.messages.provider_breakers import OpenBreaker
from campaign_providers.contract import (
    OnResults,
    SendResult,
    SendStatus,
)
from campaign_providers.registry import MakeProvider
from campaign_sender.delivery.campaign_grant_queue import CampaignGrantQueue
from campaign_sender.delivery.circuit_breaker import BreakerState, CircuitBreaker
from campaign_sender.delivery.provider_grant_queue import ProviderGrantQueue
from campaign_sender.in_flight.backlog import Rest
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Message
from campaign_sender.metrics import SEND_RESULTS

HELD_BACK = frozenset({SendStatus.CIRCUIT_OPEN, SendStatus.ACCOUNT})
"""Statuses of messages that wait for the circuit breaker."""

FIRST_REST_BACKOFF = 4.0
LONGEST_REST_BACKOFF = 240.0
"""Seconds that a message waits for a refused account, or for another rest of its provider: doubled
with each try, up to the longest.

Where other senders are accepted, or other providers of the route, campaigns go on, and so does the
publication of their retries: a million messages that wait cause some 4,000 tries a second, and not
as many as can be made.
"""
MAX_REST_DOUBLINGS = 10

SHORTEST_ASKED = 1.0
LONGEST_ASKED = 3600.0
"""Seconds of `Retry-After` for which all senders stop the sends to a provider."""

NO_SECRETS = "none"
"""Stands for the digest of an account without secrets."""

log = structlog.get_logger()


def rest_backoff(message: Message) -> float:
    """Return for how many seconds a message waits for a rest of its provider to end."""
    doublings = min(message.record.try_number - 1, MAX_REST_DOUBLINGS)
    return min(LONGEST_REST_BACKOFF, FIRST_REST_BACKOFF * 2.0**doublings)


class SendChecks(Protocol):
    """View of the campaigns as last read, and the checks based on it."""

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent; None: this one may be sent."""

    def version_of(self, campaign_id: CampaignId) -> CampaignVersion | None:
        """Return a campaign as last read; None when none of its messages are held."""


class GuardedProvider:
    """One provider behind its circuit breaker."""

    def __init__(
        self,
        name: str,
        breaker: CircuitBreaker,
        guard: SendChecks,
        on_results: OnResults[Message],
        make: MakeProvider,
        limiter: ProviderLimiter | None = None,
        paces: CampaignPaces | None = None,
    ) -> None:
        self.name = name
        self._paces = paces
        self.campaign_queue = CampaignGrantQueue(
            self._rates,
            guard.check_before_send,
            self._submit,
            lambda: self.is_resting,
            self._report,
        )
        """Claimed messages that wait for grants of their campaigns' rates."""
        self.breaker = breaker
        self._guard = guard
        self._on_results = on_results
        self._opened: list[OpenBreaker] = []
        self._account_ended = False
        self._has_accepted = False
        """True after a success since the last request for it."""
        self._logged_account: str | None = None
        """Account whose refusal is logged."""
        self._asked_until = 0.0
        self._counters = {status: SEND_RESULTS.labels(name, status.value) for status in SendStatus}
        self.provider_queue: ProviderGrantQueue | None = None
        self.provider = make(self.check_before_send, self.on_results)
        self._account = self._current_account
        """Account that the breaker is about."""
        if limiter is not None:
            self.provider_queue = ProviderGrantQueue(
                limiter,
                self._check_rate,
                self.provider.submit,
                lambda: self.connections,
                lambda: self.breaker.remaining,
                self._report,
            )

    def _rates(self) -> Mapping[CampaignId, CampaignRate]:
        return {} if self._paces is None else self._paces.rates

    @property
    def _current_account(self) -> str:
        return self.provider.account_digest or NO_SECRETS

    @property
    def is_resting(self) -> bool:
        """Return whether nothing is sent.

        Its circuit breaker is open, a secret is not there, or the day of its limits is used up.
        """
        return (
            self.breaker.state is BreakerState.OPEN
            or self.provider.problem is not None
            or (self.provider_queue is not None and self.provider_queue.day_used_up_for > 0)
        )

    @property
    def is_asked_to_wait(self) -> bool:
        """Return whether an answer here asked to wait, and that time is not over."""
        return boot_time() < self._asked_until

    @property
    def rest(self) -> Rest | None:
        """The present rest; None: messages may be sent, or tried as probes of the breaker."""
        breaker = self.breaker.remaining
        day = 0.0 if self.provider_queue is None else self.provider_queue.day_used_up_for
        if breaker <= 0 and day <= 0:
            return None
        if breaker <= day:
            return Rest(day)
        account = self.wait_of if self.breaker.account_refused else None
        return Rest(breaker, SendStatus.CIRCUIT_OPEN, account)

    def claimable(self, seconds: float) -> int | None:
        """Return how many more messages its limits, or its rest, let claim; None: no limit."""
        if self.rest is not None:
            return 0
        queue = self.provider_queue
        if queue is None or not queue.is_limited:
            return None
        granted = queue.claimable(seconds)
        return None if granted is None else max(0, granted - len(self.campaign_queue))

    @property
    def rests_for(self) -> float:
        """Seconds for which nothing is sent; 0: it does not rest, inf: no end is known."""
        if self.provider.problem is not None:
            return inf
        day = 0.0 if self.provider_queue is None else self.provider_queue.day_used_up_for
        return max(self.breaker.remaining, day)

    @property
    def connections(self) -> int | None:
        """Requests under way at most, by the provider and by its limits; None: no bound."""
        limited = None if self.provider_queue is None else self.provider_queue.limiter.connections
        bounds = [n for n in (self.provider.connections, limited) if n is not None]
        return min(bounds, default=None)

    def submit(self, messages: Sequence[Message]) -> None:
        """Hand messages of a campaign to the provider, at once or by their grants.

        Their claim is committed.
        """
        campaign_id = messages[0].record.campaign_id
        if self.campaign_queue.takes(campaign_id):
            self.campaign_queue.add(campaign_id, messages)
        else:
            self._submit(messages)

    def _submit(self, messages: Sequence[Message], *, first: bool = False) -> None:
        queue = self.provider_queue
        if queue is not None:
            queue.submit(messages, first=first)
        elif first:
            self.provider.submit(messages, first=True)
        else:
            self.provider.submit(messages)

    def _check_rate(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages by the view of the database, and by the grants of their rates.

        While the provider rests, the status of its rest is reported instead of a missing grant.
        """
        statuses = self._guard.check_before_send(messages)
        rates = self._rates()
        if not rates or self.is_resting:
            return statuses
        now = boot_time()
        return [
            SendStatus.NOT_GRANTED
            if status is None and message.rate_until < now and message.campaign_id in rates
            else status
            for status, message in zip(statuses, messages, strict=True)
        ]

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages by the view of the database, by grants, then by the circuit breaker."""
        statuses = self._check_rate(messages)
        if self.provider_queue is not None and self.provider_queue.is_limited:
            statuses = self.provider_queue.require_grants(messages, statuses)
        if self.breaker.state is BreakerState.CLOSED:
            return statuses
        return [
            SendStatus.CIRCUIT_OPEN if status is None and not self.breaker.allows_send() else status
            for status in statuses
        ]

    def on_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Handle results of the provider: count them, and update the circuit breaker."""
        statuses = list(map(attrgetter("status"), results))
        self.count(statuses)
        if self.provider_queue is not None:
            self.provider_queue.note_ended(results)
        was_closed = self.breaker.state is BreakerState.CLOSED
        was_account = self.breaker.account_refused
        if SendStatus.ACCEPTED in statuses:
            self._has_accepted = True
        if (cause := self.breaker.record(statuses)) is not None:
            self._note_opened(results, cause)
        if not was_closed and self.breaker.state is BreakerState.CLOSED:
            log.info("circuit breaker closed", provider=self.name)
            self._account_ended = self._account_ended or was_account
            self._logged_account = None
        if SendStatus.THROTTLED in statuses:
            self._rest_as_asked(results)
        if not HELD_BACK.isdisjoint(statuses):
            results = [
                replace(r, retry_after=max(self.wait_of(r.message), r.retry_after or 0.0))
                if r.status in HELD_BACK
                else r
                for r in results
            ]
        self._on_results(results)
        if self.provider_queue is not None and self.provider_queue.lacks_connections:
            self.provider_queue.start_due()

    def wait_of(self, message: Message) -> float:
        """Return for how many seconds a message that the breaker holds back waits at least."""
        wait = self.breaker.remaining
        if not self.breaker.account_refused:
            return wait
        return max(wait, rest_backoff(message))

    def _report(self, results: Sequence[SendResult[Message]]) -> None:
        """Pass on results of messages that were not submitted to the provider."""
        self.count(list(map(attrgetter("status"), results)))
        self._on_results(results)

    def _rest_as_asked(self, results: Sequence[SendResult[Message]]) -> None:
        """Open the breaker in all senders for as long as an answer asks."""
        waits = [
            r.retry_after or 0.0
            for r in results
            if r.status is SendStatus.THROTTLED and not r.of_recipient
        ]
        seconds = min(max(waits, default=0.0), LONGEST_ASKED)
        if seconds >= SHORTEST_ASKED and seconds > self.breaker.remaining:
            log.warning("provider asks to wait, sends stopped", provider=self.name, seconds=seconds)
            self.breaker.open_for(seconds)
            self._asked_until = boot_time() + seconds
            self._opened.append(OpenBreaker(seconds, is_asked=True))

    def _note_opened(self, results: Sequence[SendResult[Message]], cause: SendStatus) -> None:
        seconds = self.breaker.remaining
        if not self.breaker.account_refused:
            log.warning("circuit breaker opened", provider=self.name, seconds=seconds)
            self._opened.append(OpenBreaker(seconds))
            return
        self._account = self._current_account
        self._opened.append(OpenBreaker(seconds, self._account))
        if self._logged_account != self._account:
            self._logged_account = self._account
            log.error(
                "provider refuses the account, sends stopped",
                provider=self.name,
                error=next((r.error_code for r in results if r.status is cause), None),
                seconds=seconds,
            )

    def count(self, statuses: Sequence[SendStatus]) -> None:
        """Count results for the metrics."""
        # Status by status, each at the speed of list.count: nearly all are accepted.
        left = len(statuses)
        for status, counter in self._counters.items():
            if not left:
                break
            if n := statuses.count(status):
                counter.inc(n)
                left -= n

    def take_opened(self) -> list[OpenBreaker]:
        """Return how the breaker opened since the last request, each account once."""
        opened, self._opened = self._opened, []
        longest: dict[str | None, OpenBreaker] = {}
        for breaker in opened:
            longest[breaker.account] = max(breaker, longest.get(breaker.account, breaker))
        return list(longest.values())

    def take_account_ended(self) -> str | None:
        """Return the digest of a refused account that is accepted since the last request."""
        ended, self._account_ended = self._account_ended, False
        return self._account if ended else None

    def take_account_accepted(self, accounts: AccountBreakers) -> str | None:
        """Return the digest of the account where it is accepted and another one is refused.

        None where that is noted already, or nothing was accepted since the last request.
        """
        accepted, self._has_accepted = self._has_accepted, False
        own = accounts.get(self._account)
        is_noted = (
            own is not None
            and own.accepted_ago is not None
            and own.accepted_ago < NOTED_AGAIN_AFTER
        )
        others_refused = any(
            breaker.is_open for account, breaker in accounts.items() if account != self._account
        )
        if is_noted or not accepted or not others_refused or self.breaker.account_refused:
            return None
        return self._account

    def note_accepted_check(self, account: str | None) -> None:
        """Note that a check was accepted, as the first success of an account that was refused.

        That ends the refusal for all senders of the account. A breaker that is open because sends
        failed, or because the provider asked to wait, stays as it is.
        """
        if (account or NO_SECRETS) != self._current_account:
            return  # this sender is about to read the secret again, and tries it then
        self._has_accepted = True
        if not self.breaker.account_refused:
            return
        self._account = self._current_account
        self._account_ended = True
        self._logged_account = None
        self.breaker.end_account()
        log.info("provider accepts the account again", provider=self.name)

    def follow(self, elsewhere: OpenBreaker | None, accounts: AccountBreakers) -> None:
        """Follow the breakers that are open in other senders: that of all, that of this account.

        That of another account changes nothing. Another secret here may be tried at once.
        """
        if elsewhere is not None:
            self.breaker.open_for(elsewhere.seconds)
        if self._account != self._current_account:
            self._account = self._current_account
            self._has_accepted = False
            self.breaker.probe_account()
        own = accounts.get(self._account)
        self.breaker.follow_account(own.seconds if own is not None and own.is_open else None)
