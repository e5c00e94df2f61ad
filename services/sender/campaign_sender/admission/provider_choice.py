"""Choice of the provider that a message is sent to: once it is admitted, and after a failure.

See protocol rules 2 and 3.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey
from campaign_common.domain.routing.route import IsResting, provider_of
from campaign_common.domain.routing.routes import Routes
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.possibly_sent import Doubts
from campaign_providers.contract import UNREADY_PAUSE, SendResult, SendStatus
from campaign_sender.message import Message

PROVIDER_UNKNOWN = "provider_unknown"
"""Error code of messages that end as unknown because it is not known which provider of their route
may have taken them."""

PRICE_MISSING = "price_missing"
"""Error code of messages that wait for a sender whose price is in the currency of their campaign's
budget."""

Versions = Mapping[CampaignId, CampaignVersion]


NO_PRICES: Mapping[str, str | None] = MappingProxyType({})


class Chosen(NamedTuple):
    """Messages with their provider, and those that are not sent."""

    to_send: list[Message]
    decided: list[SendResult[Message]]
    """Messages in doubt at a provider that is not known, which end as unknown, and those that wait
    for a sender that knows their price."""


class ProviderChoice:
    """Choice by the configured routes, and by which providers rest.

    `idempotent_for`: seconds for which a provider answers a key that it knows as it did the first
    time. Where that ends, and on routes, doubts are looked up before messages are sent.
    `currencies`: those of the prices of the configured providers; None: there is no price.
    """

    def __init__(
        self,
        routes: Routes,
        is_resting: IsResting,
        idempotent_for: Callable[[str], float],
        currencies: Mapping[str, str | None] = NO_PRICES,
    ) -> None:
        self._routes = routes
        self.is_resting = is_resting
        self._idempotent_for = idempotent_for
        self._currencies = currencies

    def doubts_wanted(
        self, query: Mapping[tuple[int, CampaignId], Sequence[int]], versions: Versions
    ) -> dict[CampaignId, list[int]]:
        """Return the messages of `query`, {(shard, campaign_id): seqs}, of which doubts matter."""
        wanted: dict[CampaignId, list[int]] = defaultdict(list)
        for (_, campaign_id), seqs in query.items():
            version = versions.get(campaign_id)
            if version is not None and (
                version.provider in self._routes or self._idempotent_for(version.provider) < inf
            ):
                wanted[campaign_id] += seqs
        return wanted

    def choose(
        self,
        messages: Sequence[Message],
        versions: Versions,
        entries: Mapping[MessageKey, LedgerEntry],
        doubts: Doubts,
    ) -> Chosen:
        """Give each live message its provider."""
        chosen = Chosen([], [])
        for message in messages:
            version = versions[message.key.campaign_id]
            named = version.provider
            found = doubts.get((*message.key, message.record.generation)) if doubts else None
            if found:
                message.in_doubt = True
            provider: str | None = named
            if named in self._routes:
                provider = self._of_route(message, named, entries.get(message.key), found or ())
                message.ledger_provider = provider
            if provider is None:
                message.in_doubt = True
                result = SendResult(message, SendStatus.UNDELIVERABLE, None, PROVIDER_UNKNOWN)
                chosen.decided.append(result)
            else:
                message.provider = provider
                if message.in_doubt:
                    self._note_repetition(message, version)
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

        Of a provider that is not configured here, nothing is said.
        """
        message.budget = currency
        return self._currencies.get(message.provider, currency) == currency

    def _note_repetition(self, message: Message, version: CampaignVersion) -> None:
        """Note whether the provider still knows the key of a message that it may have accepted.

        When it was first sent is not recorded: no earlier than its campaign was started.
        """
        window = self._idempotent_for(message.provider)
        if window < inf:
            left = window - version.running
            message.repeats = left <= 0
            message.key_known_until = boot_time() + left

    def after_proof(self, message: Message, version: CampaignVersion | None) -> str | None:
        """Return the provider of the next try if this one proves that it was not taken.

        None: the campaign names a provider and no route, or could not be read.
        """
        if version is None or version.provider not in self._routes:
            return None
        route = self._routes.of(version.provider, message.phone)
        return route.after_proof(message.provider, self.is_resting)

    def _of_route(
        self,
        message: Message,
        named: str,
        entry: LedgerEntry | None,
        found: Collection[str | None],
    ) -> str | None:
        doubts = set(found)
        if entry is not None and entry.in_doubt:
            doubts.add(entry.provider)
        if message.in_doubt and not doubts:
            doubts.add(None)  # commits were lost (rule 16)
        return provider_of(
            self._routes.of(named, message.phone),
            message.idempotency_key,
            self.is_resting,
            chosen=entry.provider if entry is not None else None,
            doubts=doubts,
        )
