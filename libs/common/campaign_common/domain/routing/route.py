"""A route: the providers that a message may take, and the choice of one of them (protocol rule 3).

The choice is a function of the message's idempotency key and of the weights, so that a message that
is published again chooses alike. It stands in the claim and in the ledger once it is made.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

IsResting = Callable[[str], bool]
"""Return whether nothing is sent to a provider at present."""

_HASHES = 1 << 64


@dataclass(frozen=True)
class Route:
    """Providers that a message may take.

    `choose`: providers with their weights, of which a message takes one at first. `failover`:
    providers that it may take after the proof that the one before did not take it, in order.
    """

    choose: tuple[tuple[str, int], ...]
    failover: tuple[str, ...] = ()

    @property
    def providers(self) -> tuple[str, ...]:
        """All providers of the route, each once."""
        return tuple(dict.fromkeys([*(name for name, _ in self.choose), *self.failover]))

    def of_those(self, takes: Callable[[str], bool]) -> "Route":
        """Return the route of the providers that take a message; itself if none of them does."""
        choose = tuple(each for each in self.choose if takes(each[0]))
        failover = tuple(name for name in self.failover if takes(name))
        return Route(choose, failover) if choose or failover else self

    def first(self, idempotency_key: str, is_resting: IsResting) -> str:
        """Choose by weight among the providers that do not rest.

        If all of `choose` rest, the first of `failover` that does not; if all rest, as if none did.
        """
        names = [*self._ranked(idempotency_key), *self.failover]
        return next(_active(names, is_resting), names[0])

    def instead_of(self, provider: str, idempotency_key: str, is_resting: IsResting) -> str:
        """Choose in place of a provider that rests; itself if all of the route rest."""
        others = [*self._after(provider), *self._ranked(idempotency_key)]
        return next(_active(others, is_resting), provider)

    def after_proof(self, provider: str, is_resting: IsResting) -> str:
        """Choose after the proof that `provider` did not take a message.

        The next one of `failover` that does not rest, beginning again after its last one; the same
        provider if there is none.
        """
        return next(_active(self._after(provider), is_resting), provider)

    def _after(self, provider: str) -> list[str]:
        failover = list(self.failover)
        if provider in failover:
            place = failover.index(provider) + 1
            failover = [*failover[place:], *failover[: place - 1]]
        return failover

    def _ranked(self, idempotency_key: str) -> list[str]:
        """Return the providers of `choose` in the order in which a message prefers them.

        Weighted rendezvous hashing: where one rests, its messages alone choose another one.
        """
        if len(self.choose) == 1:
            return [self.choose[0][0]]
        ranked = sorted((_distance(idempotency_key, *each), each[0]) for each in self.choose)
        return [name for _, name in ranked]


def provider_of(
    route: Route,
    idempotency_key: str,
    is_resting: IsResting,
    *,
    chosen: str | None,
    doubts: Collection[str | None],
) -> str | None:
    """Return the provider of a message's next send; None: it must not be sent.

    `chosen` is the provider that an earlier outcome has chosen, `doubts` are the providers that may
    have taken the message in this generation, None standing for one that is not known. With a doubt
    the message returns to the provider of it, whether that rests or not: only there its key is
    known. Where that is not known, no send is safe: the route may have had other providers then.
    """
    if doubts:
        known = {name for name in doubts if name is not None}
        return known.pop() if len(known) == 1 else None
    if chosen is not None and chosen in route.providers:
        provider = chosen
    else:
        provider = route.first(idempotency_key, is_resting)
    if is_resting(provider):
        return route.instead_of(provider, idempotency_key, is_resting)
    return provider


def _active(names: Iterable[str], is_resting: IsResting) -> Iterator[str]:
    return (name for name in names if not is_resting(name))


def _distance(idempotency_key: str, provider: str, weight: int) -> float:
    digest = blake2b(f"{idempotency_key}/{provider}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / _HASHES
    return -math.log(uniform) / weight
