"""Slots: the grants of one second, shared between senders, each grant with its own instant.

A slot is one second of the database server's clock, numbered by the seconds since 1970. Its quota
is `floor((slot + 1) * rate) - floor(slot * rate)`, so that fractions add up over the slots and a
rate below 1 leaves slots without a grant. The grants of a slot have instants at equal distances.
Each grant belongs to one sender, or to the spare ones, which senders take while the slot runs.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

LATEST = 0.02
"""Seconds after its instant at which a grant is lost."""

LEAD = 0.01
"""Seconds of a slot before its first instant."""

TAIL = LATEST + 0.01
"""Seconds of a slot after its last instant: a grant ends before its slot."""

EXACT_UP_TO = 4_000
"""Quota up to which the grants of all senders are interleaved exactly. Above it each sender has its
own equal distances, and a window has one grant of each sender too many or too few."""

GENEROUS = 8
"""Multiple of what is wanted that a sender gets at most."""

THOUSAND = 1_000


def quota_of(slot: int, per_second: Decimal) -> int:
    """Return the number of grants of a slot."""
    rate = _thousandths(per_second)
    return (slot + 1) * rate // THOUSAND - slot * rate // THOUSAND


def share_out(quota: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Share a quota by what each sender wants, with the largest remainders.

    Where less is wanted than there is, each gets several times as much, since more may come while
    the slot runs; what is left then stays spare.
    """
    total = sum(wanted.values())
    if total <= quota:
        return {
            sender: min(GENEROUS * n, quota * n // total)
            for sender, n in sorted(wanted.items())
            if n
        }
    shares = {sender: quota * n // total for sender, n in wanted.items()}
    by_remainder = sorted(wanted, key=lambda one: (-(quota * wanted[one] % total), one))
    for sender in by_remainder[: quota - sum(shares.values())]:
        shares[sender] += 1
    return {sender: n for sender, n in sorted(shares.items()) if n}


class SlotPlan(NamedTuple):
    """Shares of one slot, the same for all senders."""

    slot: int
    quota: int
    per_second: Decimal
    shares: Mapping[str, int]

    @property
    def spare(self) -> int:
        """Number of grants that belong to no sender yet."""
        return self.quota - sum(self.shares.values())

    def instants(self, sender: str | None) -> "Instants":
        """Return the instants of a sender's grants; None: of the spare ones."""
        owners = [*sorted(self.shares.items())]
        share = self.spare if sender is None else self.shares.get(sender, 0)
        names: list[str | None] = [name for name, _ in owners]
        counts = [n for _, n in owners]
        if self.spare:
            names.append(None)
            counts.append(self.spare)
        if not share:
            return ExactInstants([])
        own = names.index(sender)
        if self.quota > EXACT_UP_TO:
            return EqualInstants(self.slot, share, (own + 0.5) / len(counts))
        first = self.slot * _thousandths(self.per_second) // THOUSAND
        return ExactInstants(
            [self._instant(first + rank) for rank in _ranks(counts, own)],
        )

    def _instant(self, number: int) -> float:
        """Return the instant of a grant by its number since 1970, from 1."""
        rate = _thousandths(self.per_second)
        share_of_slot = ((number + 1) * THOUSAND - self.slot * rate) / rate
        return at_share(self.slot, share_of_slot)


class Instants(Protocol):
    """Rising instants, in seconds since 1970 by the server's clock."""

    def __len__(self) -> int:
        """Return their number."""

    def until(self, moment: float) -> int:
        """Return the number of those up to a moment."""

    def at(self, index: int) -> float:
        """Return one of them."""


class ExactInstants:
    """Instants of a list."""

    def __init__(self, instants: Sequence[float]) -> None:
        self._instants = instants

    def __len__(self) -> int:
        return len(self._instants)

    def until(self, moment: float) -> int:
        """Return the number of those up to a moment."""
        return bisect_right(self._instants, moment)

    def at(self, index: int) -> float:
        """Return one of them."""
        return self._instants[index]


class EqualInstants:
    """Instants at equal distances in one slot; `phase` from 0 to 1 moves them by that distance."""

    def __init__(self, slot: int, count: int, phase: float) -> None:
        self._slot, self._count, self._phase = slot, count, phase

    def __len__(self) -> int:
        return self._count

    def until(self, moment: float) -> int:
        """Return the number of those up to a moment."""
        share = (moment - self._slot - LEAD) / (1.0 - LEAD - TAIL)
        return min(self._count, max(0, int(share * self._count - self._phase + 1)))

    def at(self, index: int) -> float:
        """Return one of them."""
        return at_share(self._slot, (index + self._phase) / self._count)


def at_share(slot: int, share: float) -> float:
    """Return the moment at which a share of a slot's grants is due."""
    return slot + LEAD + share * (1.0 - LEAD - TAIL)


def _ranks(counts: Sequence[int], own: int) -> list[int]:
    """Return the places of one owner's grants in the common order of all, from 0.

    The i-th of n grants stands at (2i + 1) / 2n of the slot; at equal places the first owner goes
    before. Whole numbers only: each process must get the same order.
    """
    n = counts[own]
    ranks = []
    for i in range(n):
        place = 2 * i + 1
        rank = 0
        for owner, count in enumerate(counts):
            if owner == own:
                rank += i
            elif owner < own:
                rank += min(count, (place * count + n) // (2 * n))
            else:
                rank += min(count, (place * count + n - 1) // (2 * n))
        ranks.append(rank)
    return ranks


def _thousandths(per_second: Decimal) -> int:
    return int(per_second * THOUSAND)
