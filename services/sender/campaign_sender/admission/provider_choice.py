"""Choice of the provider that a message is sent to: once it is admitted, and after a failure.

See protocol rules 2 and 3.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.routing.route import IsResting, Route, provider_of
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.core.budgets import BUDGET_LOST
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.possibly_sent import Doubts
from campaign_providers.contract import UNREADY_PAUSE, SendResult, SendStatus
from campaign_sender.message import Message

PROVIDER_UNKNOWN = "provider_unknown"
"""Error code of messages that end as unknown because the provider that may have taken them is not
known, or has not been configured for long."""

PRICE_MISSING = "price_missing"
"""Error code of messages that wait for a sender whose price is in the currency of their campaign's
budget."""

Versions = Mapping[CampaignId, CampaignVersion]


NO_PRICES: Mapping[str, str | None] = MappingProxyType({})

NO_TRIES: Mapping[str | None, int] = MappingProxyType({})


class Chosen(NamedTuple):
    """Messages with their provider, and those that are not sent."""

    to_send: list[Message]
    decided: list[SendResult[Message]]
    """Messages in doubt at a provider that is not known, which end as unknown, and those that wait
    for a sender that knows their price."""


def doubts_wanted(
    query: Mapping[tuple[int, CampaignId], Sequence[int]], versions: Versions
) -> dict[CampaignId, list[int]]:
    """Return the messages of `query`, {(shard, campaign_id): seqs}, of which doubts matter.

    Those of every campaign that is there: the name of its provider may have been that of a route,
    or of another provider, when a message of it was claimed.
    """
    wanted: dict[CampaignId, list[int]] = defaultdict(list)
    for (_, campaign_id), seqs in query.items():
        if campaign_id in versions:
            wanted[campaign_id] += seqs
    return wanted


def with_lost_commits(doubts: Doubts, possibly_sent: Sequence[Message]) -> Doubts:
    """Return the doubts with those of messages that lost commits may have sent (rule 16).

    Where these were sent is not known, whatever is known of earlier doubts.
    """
    if not possibly_sent:
        return doubts
    added = {key: {**providers} for key, providers in doubts.items()}
    for message in possibly_sent:
        added.setdefault((*message.key, message.record.generation), {}).setdefault(None, 0)
    return added


def _anything(_: str, __: MessageRecord) -> bool:
    return True


def _never(_: str) -> float:
    return 0.0


class ProviderChoice:
    """Choice by the configured routes, and by which providers rest.

    `idempotent_for`: seconds for which a provider answers a key that it knows as it did the first
    time. `takes`: returns whether a provider takes the content of a record. `rests_for`: seconds
    for which a provider rests, inf where no end is known. `currencies`: those of the prices of the
    configured providers; None: there is no price.
    """

    def __init__(
        self,
        routes: Routes,
        is_resting: IsResting,
        idempotent_for: Callable[[str], float],
        takes: Callable[[str, MessageRecord], bool] = _anything,
        rests_for: Callable[[str], float] = _never,
        currencies: Mapping[str, str | None] = NO_PRICES,
    ) -> None:
        self.routes = routes
        self.is_resting = is_resting
        self._idempotent_for = idempotent_for
        self._takes = takes
        self._rests_for = rests_for
        self._currencies = currencies

    def choose(
        self,
        messages: Sequence[Message],
        versions: Versions,
        entries: Mapping[MessageKey, LedgerEntry],
        doubts: Doubts,
        now: int = 0,
    ) -> Chosen:
        """Give each live message its provider.

        `now`: the time of the shards' server when all this was read, in microseconds since 1970.
        None of the messages is sent before it.
        """
        chosen = Chosen([], [])
        for message in messages:
            version = versions[message.key.campaign_id]
            named = version.provider
            found = doubts.get((*message.key, message.record.generation)) if doubts else None
            if found:
                message.in_doubt = True
            is_route = named in self.routes
            provider: str | None = named
            if is_route or message.in_doubt:
                entry = entries.get(message.key)
                at = _doubts_of(message, entry, found or ())
                if not is_route:
                    at.discard(None)  # the provider that the campaign names
                if is_route or at:
                    latest = _latest_of(message, found or NO_TRIES)
                    provider = self._of_route(message, version, entry, at, latest)
            message.ledger_provider = provider if is_route or provider != named else None
            if provider is None:
                message.in_doubt = True
                result = SendResult(message, SendStatus.UNDELIVERABLE, None, PROVIDER_UNKNOWN)
                chosen.decided.append(result)
            else:
                message.provider = provider
                message.sent_after = now
                if message.in_doubt:
                    self._note_doubt(message)
                if version.budget is None or self._can_pay(message, version.budget):
                    chosen.to_send.append(message)
                else:
                    chosen.decided.append(
                        SendResult(
                            message, SendStatus.UNCONFIGURED, None, PRICE_MISSING, UNREADY_PAUSE
                        )
                    )
        return chosen

    def _can_pay(self, message: Message, currency: str) -> bool:
        """Return whether the cost of a message can be taken of a budget in `currency`.

        Of a provider that is not configured here, nothing is said. A budget that is lost is used
        up in every currency.
        """
        message.budget = currency
        return (
            currency == BUDGET_LOST or self._currencies.get(message.provider, currency) == currency
        )

    def _note_doubt(self, message: Message) -> None:
        """Note whether the provider knows the key of a message that it may have accepted.

        Where it forgets keys, `KeyWindows` says until when it knows this one, and when that was
        first used. Nowhere else is that looked up.
        """
        message.sent_after = 0
        message.key_known_until = inf if self.key_window(message) == inf else -inf

    def key_window(self, message: Message) -> float:
        """Return for how many seconds from its first use a provider knows a message's key.

        Another provider than that of a doubt never knows it.
        """
        return 0.0 if message.is_doubted_elsewhere else self._idempotent_for(message.provider)

    def after_proof(self, message: Message, version: CampaignVersion | None) -> str | None:
        """Return the provider of the next try if this one proves that it was not taken.

        None: the campaign names a provider and no route, or could not be read.
        """
        route = self._route_of(message, version)
        return None if route is None else route.after_proof(message.provider, self.is_resting)

    def goes_on_after_doubt(self, message: Message, version: CampaignVersion | None) -> bool:
        """Return whether a message in doubt may take another provider of its route."""
        route = self._route_of(message, version)
        return route is not None and route.after_doubt

    def rests_for(self, message: Message, version: CampaignVersion | None) -> float:
        """Return for how many seconds all providers rest that a message may take.

        0: one of them does not; inf: no end is known.
        """
        providers: Collection[str] = (message.provider,)
        route = self._route_of(message, version)
        if route is not None and (route.after_doubt or not message.in_doubt):
            providers = (message.provider, *route.active)
        return min(self._rests_for(name) for name in providers)

    def _of_route(
        self,
        message: Message,
        version: CampaignVersion,
        entry: LedgerEntry | None,
        doubts: Collection[str | None],
        latest: str | None,
    ) -> str | None:
        route = self._fitting(message, version)
        if route.after_doubt and doubts:
            message.doubts = frozenset(doubts)
            message.recorded_doubt = entry is not None and bool(entry.in_doubt)
        return provider_of(
            route,
            message.idempotency_key,
            self.is_resting,
            chosen=entry.provider if entry is not None else None,
            doubts=doubts,
            latest=latest,
        )

    def _route_of(self, message: Message, version: CampaignVersion | None) -> Route | None:
        """Return the route of a message; None: its campaign names none, or could not be read."""
        if version is None or version.provider not in self.routes:
            return None
        return self._fitting(message, version)

    def _fitting(self, message: Message, version: CampaignVersion) -> Route:
        """Return the route of the providers that take the content of a message.

        A message that is delivered at most once never takes another provider after doubt.
        """
        route = self.routes.of(version.provider, message.phone).of_those(
            lambda name: self._takes(name, message.record)
        )
        if route.after_doubt and version.delivery is not Delivery.AT_LEAST_ONCE:
            return route.without_doubt()
        return route


def _doubts_of(
    message: Message, entry: LedgerEntry | None, found: Collection[str | None]
) -> set[str | None]:
    """Return the providers that may have taken a message, None standing for one not known."""
    doubts = set(found)
    if entry is not None and entry.in_doubt:
        doubts.add(entry.provider)
    if message.in_doubt and not doubts:
        doubts.add(None)  # commits were lost (rule 16)
    return doubts


def _latest_of(message: Message, found: Mapping[str | None, int]) -> str | None:
    """Return the one provider that a lost sender claimed this very try of a message for."""
    number = message.record.try_number
    latest = {one for one, try_number in found.items() if try_number == number and one is not None}
    return latest.pop() if len(latest) == 1 else None
