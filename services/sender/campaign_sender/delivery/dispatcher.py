"""Dispatch of claimed messages to their providers, and of results back to the buffer."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Protocol

import structlog

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import LimitUnit
from campaign_common.domain.message_record import MessageRecord
from campaign_common.errors import CampaignError
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.messages.provider_account_breakers import AccountBreakers
from campaign_common.store.messages.provider_breakers import OpenBreaker
from campaign_providers.contract import (
    CONTENT_NOT_TAKEN,
    NOT_CONFIGURED,
    REACHED_PROVIDER,
    SECRET_UNREADABLE,
    UNREADY_PAUSE,
    SendResult,
    SendStatus,
)
from campaign_providers.registry import MakeProvider
from campaign_sender.delivery.circuit_breaker import CircuitBreaker
from campaign_sender.delivery.guarded_provider import GuardedProvider, SendChecks
from campaign_sender.delivery.pacer import GrantQueue
from campaign_sender.in_flight.backlog import Rest
from campaign_sender.in_flight.funds import Funds, NoBudgets
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Message

MET_REMEMBERED = 60.0
"""Seconds for which a provider that is not configured counts after a message of it was met."""

log = structlog.get_logger()


def _is_unsent(result: SendResult[Message]) -> bool:
    """Return whether nothing of a message was sent, so that it cost nothing."""
    return result.status not in REACHED_PROVIDER or result.nothing_sent


class ProviderUnready(CampaignError):
    """A provider is not configured, or a secret of it can not be read."""


class MessageHolder(SendChecks, Protocol):
    """Holder of the messages in flight, which checks them and receives their results."""

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        """Return those messages that are still held by this process."""

    def add_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Add results of a provider."""


def _all(_: Message) -> bool:
    return True


class Dispatcher:
    """Dispatcher of claimed messages to their providers.

    Deferred messages, those that may not be sent while the view of the database is too old, stay
    claimed and are dispatched again. `paces`: rates and priorities of the campaigns.
    `funds`: money of those that have a budget.
    """

    def __init__(self, paces: CampaignPaces | None = None, funds: Funds | None = None) -> None:
        self._funds = funds or NoBudgets()
        self._holder: MessageHolder
        self._paces = paces
        self._providers: dict[str, GuardedProvider] = {}
        self._unknown: dict[str, float] = {}
        """Boot time at which a campaign with a provider that is not configured was met last."""
        self._deferred: list[Message] = []
        self._lock = threading.Lock()

    def connect(self, holder: MessageHolder) -> None:
        """Dispatch the messages of `holder`; before anything else, once."""
        self._holder = holder

    def add(
        self,
        name: str,
        breaker: CircuitBreaker,
        make: MakeProvider,
        limiter: ProviderLimiter | None = None,
    ) -> None:
        """Add a provider by its name."""
        self._providers[name] = GuardedProvider(
            name, breaker, self._holder, self.on_results, make, limiter, self._paces
        )

    @property
    def alive(self) -> bool:
        """Return whether every provider processes submitted messages."""
        return all(guarded.provider.alive for guarded in self._providers.values())

    @property
    def providers(self) -> Mapping[str, GuardedProvider]:
        """The configured providers, by name."""
        return self._providers

    def connections_of(self, name: str) -> int | None:
        """Return how many requests a provider has under way at most; None: there is no bound."""
        guarded = self._providers.get(name)
        return None if guarded is None else guarded.connections

    def claimable(self, name: str, seconds: float) -> int | None:
        """Return how many more messages of a provider its limits let claim; None: no limit.

        `seconds`: time for which they are claimed.
        """
        guarded = self._providers.get(name)
        return None if guarded is None else guarded.claimable(seconds)

    def claimable_of(self, campaign_id: CampaignId, seconds: float) -> int | None:
        """Return how many more messages of a campaign its rate lets claim; None: no bound."""
        rate = None if self._paces is None else self._paces.rates.get(campaign_id)
        return None if rate is None else rate.claimable(seconds, self.waiting_of(campaign_id))

    def cost_of(self, name: str) -> Callable[[Message], int] | None:
        """Return what a message costs of a provider's limits; None: each is one unit."""
        guarded = self._providers.get(name)
        if guarded is None or guarded.provider_queue is None:
            return None
        limiter = guarded.provider_queue.limiter
        return limiter.cost_of if limiter.limits.unit is LimitUnit.SEGMENTS else None

    def waiting_of(self, campaign_id: CampaignId) -> int:
        """Return the number of claimed messages of a campaign that wait for a grant of its rate."""
        return sum(one.campaign_queue.waiting_of(campaign_id) for one in self._providers.values())

    def waiting(self, campaigns: Collection[CampaignId]) -> Counter[CampaignId]:
        """Count the claimed messages of campaigns that wait for a grant of their rate."""
        waiting: Counter[CampaignId] = Counter()
        for guarded in self._providers.values():
            waiting.update(guarded.campaign_queue.waiting(campaigns))
        return waiting

    def note_grants(self, campaigns: Collection[CampaignId]) -> None:
        """Note campaigns that have new grants of their rate."""
        for guarded in self._providers.values():
            guarded.campaign_queue.note_grants(campaigns)

    def rest_of(self, name: str) -> Rest | None:
        """Return the present rest of a provider; None: it does not rest, or is not configured."""
        guarded = self._providers.get(name)
        return None if guarded is None else guarded.rest

    def limited_rate(self, name: str) -> float | None:
        """Return the messages a second that the limits let this process start; None: no limit."""
        guarded = self._providers.get(name)
        queue = None if guarded is None else guarded.provider_queue
        return None if queue is None else queue.limiter.rate

    def note_postponed(self, name: str, statuses: Sequence[SendStatus]) -> None:
        """Count messages that went back unclaimed."""
        if name in self._providers:
            self._providers[name].count(statuses)

    def providers_with_grants(self) -> list[str]:
        """List the providers whose messages start by grants only."""
        return [
            name
            for name, guarded in self._providers.items()
            if guarded.provider_queue is not None and guarded.provider_queue.limiter.needs_grants
        ]

    @property
    def grant_queues(self) -> list[GrantQueue]:
        """Queues of messages that may have to wait for grants."""
        providers = self._providers.values()
        of_providers = [one.provider_queue for one in providers if one.provider_queue is not None]
        return [*(one.campaign_queue for one in providers), *of_providers]

    def unready(self, name: str) -> str | None:
        """Return an error code where nothing can be handed over to a provider, else None."""
        guarded = self._providers.get(name)
        if guarded is None:
            if name not in self._unknown:
                log.error("provider unknown, its messages wait", provider=name)
            self._unknown[name] = boot_time()
            return NOT_CONFIGURED
        return None if guarded.provider.problem is None else SECRET_UNREADABLE

    def problems(self) -> dict[str, str | None]:
        """Return what keeps from sending, by provider: those configured, and unknown ones met."""
        since = boot_time() - MET_REMEMBERED
        unknown = [name for name, met_at in list(self._unknown.items()) if met_at >= since]
        return {
            **{name: guarded.provider.problem for name, guarded in self._providers.items()},
            **dict.fromkeys(unknown, "not configured here, and campaigns have it"),
        }

    def require_ready(self) -> None:
        """Require that every provider is known and has its secrets.

        Raises:
            ProviderUnready: names one that is not, and says why.
        """
        for name, problem in self.problems().items():
            if problem is not None:
                raise ProviderUnready(f"{name}: {problem}")

    def idempotent_for(self, name: str) -> float:
        """Return the seconds for which a provider knows a key; 0 if it is not configured."""
        guarded = self._providers.get(name)
        return 0.0 if guarded is None else guarded.provider.idempotent_for

    def is_resting(self, name: str) -> bool:
        """Return whether nothing is sent to a provider at present, or it is not configured."""
        guarded = self._providers.get(name)
        return guarded is None or guarded.is_resting

    def rests_for(self, name: str) -> float:
        """Return for how many seconds a provider rests; 0: it does not, inf: no end is known."""
        guarded = self._providers.get(name)
        return inf if guarded is None else guarded.rests_for

    def takes(self, name: str, record: MessageRecord) -> bool:
        """Return whether a provider takes the content of a record, as far as it is known here."""
        guarded = self._providers.get(name)
        return guarded is None or guarded.provider.support.takes(record)

    def dispatch(self, messages: Sequence[Message]) -> None:
        """Submit messages whose claim is committed to their providers.

        Messages that this process no longer holds are left to the owner of their shard.
        """
        groups: dict[tuple[CampaignId, str], list[Message]] = defaultdict(list)
        for message in self._still_held(messages):
            groups[message.record.campaign_id, message.provider].append(message)
        for (campaign_id, provider), group in groups.items():
            version = self._holder.version_of(campaign_id)
            if version is None:
                self._return(group, SendStatus.DEFERRED)
            elif (code := self.unready(provider)) is not None:
                self._return(group, SendStatus.UNCONFIGURED, code)
            # The content of a campaign's messages is of one kind, with as many parts.
            elif not self._providers[provider].provider.support.takes(group[0].record):
                self._return(group, SendStatus.UNCONFIGURED, CONTENT_NOT_TAKEN)
            else:
                guarded = self._providers[provider]
                if version.expires_in is not None:
                    expires_at = boot_time() + version.expires_in
                    for message in group:
                        message.expires_at = expires_at
                price = guarded.provider.price
                if price is not None:
                    for message in group:
                        message.price = price
                guarded.submit(group)

    def _still_held(self, messages: Sequence[Message]) -> list[Message]:
        held = self._holder.still_held(messages)
        if len(held) < len(messages):
            kept = set(map(id, held))
            self._funds.give_back([m for m in messages if id(m) not in kept])
        return held

    def _return(
        self, messages: Sequence[Message], status: SendStatus, error_code: str | None = None
    ) -> None:
        pause = UNREADY_PAUSE if status is SendStatus.UNCONFIGURED else None
        self.on_results(
            [SendResult(message, status, None, error_code, pause) for message in messages]
        )

    def on_results(self, results: Sequence[SendResult[Message]]) -> None:
        """Handle results: keep deferred messages, pass on all others."""
        unsent = [r for r in results if r.status is not SendStatus.ACCEPTED and _is_unsent(r)]
        deferred = [r.message for r in unsent if r.status is SendStatus.DEFERRED]
        if deferred:
            with self._lock:
                self._deferred.extend(deferred)
            results = [r for r in results if r.status is not SendStatus.DEFERRED]
        if unsent:
            ended = [r.message for r in unsent if r.status is not SendStatus.DEFERRED]
            self._funds.give_back(ended)
        if results:
            self._holder.add_results(results)

    def retry_deferred(self, fresh: Callable[[Message], bool] = _all) -> None:
        """Dispatch deferred messages again, after a send guard was refreshed.

        `fresh`: returns whether that guard is the one of the message's shard.
        """
        with self._lock:
            deferred = self._deferred
            again = [message for message in deferred if fresh(message)]
            self._deferred = [message for message in deferred if not fresh(message)]
        if again:
            self.dispatch(again)

    def take_opened_breakers(self) -> list[tuple[str, OpenBreaker]]:
        """Return the breakers that opened since the last request, each with its provider."""
        return [
            (name, breaker)
            for name, guarded in self._providers.items()
            for breaker in guarded.take_opened()
        ]

    def take_accounts_ended(self) -> list[tuple[str, str]]:
        """Return the providers that accept again an account that they refused, with its digest."""
        ended = [(name, guarded.take_account_ended()) for name, guarded in self._providers.items()]
        return [(name, account) for name, account in ended if account is not None]

    def take_accounts_accepted(
        self, accounts: Mapping[str, AccountBreakers]
    ) -> list[tuple[str, str]]:
        """Return the providers that accept the account here and refuse another, with the digest."""
        accepted = [
            (name, self._providers[name].take_account_accepted(breakers))
            for name, breakers in accounts.items()
            if name in self._providers
        ]
        return [(name, account) for name, account in accepted if account is not None]

    def note_accepted_check(self, name: str, account: str | None) -> None:
        """Note that a provider accepted a check with the credentials of a digest."""
        self._providers[name].note_accepted_check(account)

    def follow_breakers(
        self,
        elsewhere: Mapping[str, OpenBreaker],
        accounts: Mapping[str, AccountBreakers],
    ) -> None:
        """Follow the breakers that are open in other senders, those of accounts by provider."""
        for name, guarded in self._providers.items():
            guarded.follow(elsewhere.get(name), accounts.get(name, {}))

    def close(self) -> None:
        """Close every provider."""
        for guarded in self._providers.values():
            guarded.provider.close()
