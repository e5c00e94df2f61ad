"""Readiness of a provider: the decision over what senders say and the database holds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from campaign_api.providers.senders import knowing, ready, why_not_ready, why_unknown
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.store.limits.usage import LimitUse
from campaign_common.store.maintenance.statistics import RecentHeartbeat
from campaign_common.store.messages.provider_breakers import Circuit


class ProviderReadiness(StrEnum):
    """State of a provider; the first of them that is the case."""

    NO_SENDER = "no_sender"
    """No sender is running."""
    UNCONFIGURED = "unconfigured"
    """No sender knows it, or those that do can not read a secret."""
    ACCOUNT_REFUSED = "account_refused"
    """The provider refuses the account, in every sender that has another one, too."""
    RETRY_AFTER = "retry_after"
    """The provider has asked to wait."""
    CIRCUIT_OPEN = "circuit_open"
    """Its sends fail, or another sender was asked to wait."""
    DAY_USED_UP = "day_used_up"
    READY = "ready"


class StateOfProvider(NamedTuple):
    """State of a provider, with its end and what is wrong, where they are known."""

    state: ProviderReadiness
    until: datetime | None = None
    problem: str | None = None


class PresentState(NamedTuple):
    """Everything that is read of the database for some providers."""

    senders: Sequence[RecentHeartbeat]
    circuits: Mapping[str, Circuit]
    live: Mapping[str, ProviderLimits]
    use: Mapping[str, LimitUse]


def standing_of(name: str, present: PresentState) -> StateOfProvider:
    """Return the state of a provider, by what all senders say and the database holds."""
    senders = present.senders
    if not knowing(senders, name):
        state = ProviderReadiness.UNCONFIGURED if senders else ProviderReadiness.NO_SENDER
        return StateOfProvider(state, problem=why_unknown(senders, name))
    problem = why_not_ready(senders, name) or None
    if not ready(senders, name):
        return StateOfProvider(ProviderReadiness.UNCONFIGURED, problem=problem)
    standing = _breaker_standing(name, present) or _day_standing(present.use[name])
    return standing or StateOfProvider(ProviderReadiness.READY, problem=problem)


def _breaker_standing(name: str, present: PresentState) -> StateOfProvider | None:
    # What a sender that cannot send says does not count: it is a matter of those that can.
    statistics = [(one.statistics or {})[name] for one in ready(present.senders, name)]
    circuit = present.circuits.get(name)
    if circuit is None or not circuit.is_open:
        # Without a campaign nothing is sent that would find the account refused again.
        if all(each.account_refused for each in statistics):
            return StateOfProvider(ProviderReadiness.ACCOUNT_REFUSED)
        if all(each.breaker == "open" for each in statistics):
            return StateOfProvider(ProviderReadiness.CIRCUIT_OPEN)
        return None
    if circuit.of_account:
        state = ProviderReadiness.ACCOUNT_REFUSED
    elif any(each.asked_to_wait for each in statistics):
        state = ProviderReadiness.RETRY_AFTER
    else:
        state = ProviderReadiness.CIRCUIT_OPEN
    return StateOfProvider(state, _utc(circuit.open_until))


def _day_standing(use: LimitUse) -> StateOfProvider | None:
    if use.day is None or use.day.taken < use.day.per_day:
        return None
    return StateOfProvider(
        ProviderReadiness.DAY_USED_UP, datetime.fromtimestamp(use.day.ends_at, UTC)
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
