"""A route: the providers that a message may take, and the choice of one of them (protocol rule 3).

The choice is a function of the message's idempotency key and of the weights, so that a message that
is published again chooses alike. It stands in the claim and in the ledger once it is made, and is
read from there: weights that change later do not matter for it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

from campaign_common.domain.routing.route_choice import RouteChoice

IsResting = Callable[[str], bool]
"""Return whether nothing is sent to a provider at present."""

_HASHES = 1 << 64


@dataclass(frozen=True)
class Route:
    """Providers that a message may take.

    `choose`: providers with their weights, of which a message takes one at first. `failover`:
    providers that it may take after the proof that the one before did not take it, in order.
    `after_doubt`: it may take them after doubt, too. `disabled`: providers that only messages take
    for which they are chosen already.
    """

    choose: tuple[tuple[str, int], ...]
    failover: tuple[str, ...] = ()
    after_doubt: bool = False
    disabled: frozenset[str] = frozenset()

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """All providers of the route, each once."""
        return tuple(dict.fromkeys([*(name for name, _ in self.choose), *self.failover]))

    @cached_property
    def chosen(self) -> tuple[tuple[str, int], ...]:
        """Providers that messages may take at first, with their weights."""
        return tuple(
            (name, weight) for name, weight in self.choose if weight and name not in self.disabled
        )

    @cached_property
    def active(self) -> tuple[str, ...]:
        """Providers that messages may take for which none is chosen, and after a failure."""
        return tuple(dict.fromkeys([*(name for name, _ in self.chosen), *self._failover]))

    @property
    def _failover(self) -> list[str]:
        return [name for name in self.failover if name not in self.disabled]

    def of_those(self, takes: Callable[[str], bool]) -> "Route":
        """Return the route of the providers that take a message; itself if none of them does."""
        if all(takes(name) for name in self.providers):
            return self
        choose = tuple(each for each in self.choose if takes(each[0]))
        failover = tuple(name for name in self.failover if takes(name))
        kept = replace(self, choose=choose, failover=failover)
        return kept if kept.active else self

    def weighted(self, choices: Sequence[RouteChoice]) -> "Route":
        """Return the same route with other weights; a provider that `choices` lack has none.

        Providers that are not on the route are left out: the configuration has changed.
        """
        weights = {one.provider: one.weight for one in choices}
        off = {one.provider for one in choices if not one.enabled}
        disabled = off.intersection(self.providers)
        choose = tuple((name, weights.get(name, 0)) for name in self.providers)
        return replace(self, choose=choose, disabled=frozenset(disabled))

    def without(self, disabled: frozenset[str]) -> "Route":
        """Return the same route with `disabled`; itself if no provider with a weight is left."""
        kept = replace(self, disabled=disabled)
        return kept if kept.chosen else self

    def without_doubt(self) -> "Route":
        """Return the same route, where messages in doubt return to the provider of the doubt."""
        return replace(self, after_doubt=False)

    def first(self, idempotency_key: str, is_resting: IsResting) -> str:
        """Choose by weight among the providers that do not rest.

        If all of `choose` rest, the first of `failover` that does not; if all rest, as if none did.
        """
        names = [*self._ranked(idempotency_key), *self._failover]
        return next(_not_resting(names, is_resting), names[0])

    def instead_of(self, provider: str, idempotency_key: str, is_resting: IsResting) -> str:
        """Choose in place of a provider that rests; itself if all of the route rest."""
        others = [*self._after(provider), *self._ranked(idempotency_key)]
        return next(_not_resting(others, is_resting), provider)

    def after_proof(self, provider: str, is_resting: IsResting) -> str:
        """Choose after the proof that `provider` did not take a message.

        The next one of `failover` that does not rest, beginning again after its last one; the same
        provider if there is none.
        """
        return next(_not_resting(self._after(provider), is_resting), provider)

    def _after(self, provider: str) -> list[str]:
        failover = self.failover
        if provider in failover:
            place = failover.index(provider) + 1
            failover = (*failover[place:], *failover[: place - 1])
        return [name for name in failover if name not in self.disabled]

    def _ranked(self, idempotency_key: str) -> list[str]:
        """Return the providers of `choose` in the order in which a message prefers them.

        Weighted rendezvous hashing: where one rests, its messages alone choose another one.
        """
        chosen = self.chosen
        if len(chosen) == 1:
            return [chosen[0][0]]
        ranked = sorted((_distance(idempotency_key, *each), each[0]) for each in chosen)
        return [name for _, name in ranked]


def provider_of(
    route: Route,
    idempotency_key: str,
    is_resting: IsResting,
    *,
    chosen: str | None,
    doubts: Collection[str | None],
    latest: str | None = None,
) -> str | None:
    """Return the provider of a message's next send; None: it must not be sent.

    `chosen` is the provider that an earlier outcome has chosen, `doubts` are the providers that may
    have taken the message in this generation, None standing for one that is not known. With a doubt
    the message returns to the provider of it, whether that rests or not: only there its key is
    known. Where that is not known, no send is safe: the route may have had other providers then.
    A route that goes on after doubt keeps to the provider of it, too, or to the one chosen since,
    but not while that rests. `latest` is the one that a lost sender claimed this very try for,
    which it did after `chosen` was.
    """
    known = {name for name in doubts if name is not None}
    if doubts and not route.after_doubt:
        return known.pop() if len(known) == 1 else None
    if latest is not None:
        provider = latest
    elif chosen is not None and (chosen in route.providers or chosen in known):
        provider = chosen
    elif len(known) == 1:
        provider = known.pop()
    else:
        provider = route.first(idempotency_key, is_resting)
    if is_resting(provider):
        return route.instead_of(provider, idempotency_key, is_resting)
    return provider


def _not_resting(names: Iterable[str], is_resting: IsResting) -> Iterator[str]:
    return (name for name in names if not is_resting(name))


def _distance(idempotency_key: str, provider: str, weight: int) -> float:
    digest = blake2b(f"{idempotency_key}/{provider}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / _HASHES
    return -math.log(uniform) / weight
