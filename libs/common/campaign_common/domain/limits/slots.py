"""Slots: the grants of one second, shared between senders, each grant with its own instant.

A slot is one second of the database server's clock, numbered by the seconds since 1970. Its quota
is `floor((slot + 1) * rate) - floor(slot * rate)`, so that fractions add up over the slots and a
rate below 1 leaves slots without a grant. The grants of a slot have instants at equal distances.
Each grant belongs to one sender, or to the spare ones, which senders take while the slot runs.

Where messages cost one unit each, the grants of all senders are interleaved. Where they may cost
several, each sender has a block of grants that follow each other: a message starts at the last of
`cost` consecutive grants. So the grants of two messages never overlap, whichever senders have them,
and a second has at most its quota and what one message costs.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from math import floor
from typing import NamedTuple, Protocol, Self

ROUNDING = 1e-4
"""Part of a distance between two instants by which floating point is forgiven."""

GRANT_LIFETIME = 0.02
"""Seconds after its instant at which a grant is lost."""

LONGEST_LIFETIME = 0.25
"""The same, at most, of a quota above `EXACT_UP_TO` of which senders hold a small part."""

LEAD = 0.01
"""Seconds of a slot before its first instant."""

TAIL = GRANT_LIFETIME + 0.01
"""Seconds of a slot after its last instant: a grant ends before its slot."""

EXACT_UP_TO = 4_000
"""Quota up to which the grants of all senders are interleaved exactly. Above it each sender has its
own equal distances, and a window has one grant of each sender too many or too few."""

MOST_WANTED = 1_000_000
"""Messages, or units, that a sender states at most that it wants to send in a slot."""

TURNS = 0x9E3779B1
"""Odd number, about 2**32 divided by the golden ratio: its multiples are spread evenly."""

GENEROUS = 8
"""Multiple of what is wanted that a sender gets at most. Of a quota above `EXACT_UP_TO` senders get
half, however little they want: a limit that is not reached must not spread over the slot what they
could start at once."""

THOUSAND = 1_000


def quota_of(slot: int, per_second: Decimal) -> int:
    """Return the number of grants of a slot."""
    rate = _thousandths(per_second)
    return (slot + 1) * rate // THOUSAND - slot * rate // THOUSAND


class SlotDemand(NamedTuple):
    """Units that a sender wants in a slot, and the most that one of its messages costs."""

    wanted: int
    cost: int = 1


class Block(NamedTuple):
    """Consecutive grants of one sender."""

    sender: str
    units: int
    owed: int = 0
    """Units of its last message that the next slot has to give."""


def share_out(quota: int, wanted: Mapping[str, int], slot: int = 0) -> dict[str, int]:
    """Share a quota by what each sender wants; remainders go round from slot to slot.

    Where less is wanted than there is, each gets several times as much, since more may come while
    the slot runs; what is left then stays spare.
    """
    total = sum(wanted.values())
    if total <= quota:
        return {sender: _generous(quota, n, total) for sender, n in sorted(wanted.items()) if n}
    point = _point(slot, total)
    shares = {}
    passed = 0
    for sender, n in sorted(wanted.items()):
        # Systematic sampling: a remainder of r/total is rounded up in that share of all slots.
        before, passed = passed, passed + quota * n % total
        extra = (passed - 1 - point) // total - (before - 1 - point) // total
        if share := quota * n // total + extra:
            shares[sender] = share
    return shares


def _generous(quota: int, wanted: int, total: int) -> int:
    """Return the share of a sender where all of them want less than the quota."""
    share = min(GENEROUS * wanted, quota * wanted // total)
    if quota > EXACT_UP_TO:
        share = max(share, quota * wanted // (2 * total))
    return share


def share_out_blocks(
    quota: int, demands: Mapping[str, SlotDemand], slot: int, previous: Block | None
) -> tuple[Block, ...]:
    """Share a quota in blocks of whole messages; the first one differs from slot to slot.

    Args:
        quota: number of grants of the slot.
        demands: what each sender wants.
        slot: number of the slot.
        previous: the last block of the slot before, which is continued where units are owed.
    """
    wanting = {sender: one for sender, one in sorted(demands.items()) if one.wanted > 0}
    blocks: list[Block] = []
    left = quota
    continued = None
    if previous is not None and previous.owed and previous.sender in wanting:
        continued = previous.sender
        units = min(left, previous.owed)
        left -= units
        blocks.append(Block(continued, units, previous.owed - units))
    total = sum(one.wanted for one in wanting.values())
    for sender in _order(wanting, slot):
        if not left or (sender == continued and len(wanting) > 1):
            continue
        wanted, cost = wanting[sender]
        share = -(-quota * wanted // total)
        if total <= quota:
            share = _generous(quota, wanted, total)
        whole = -(-max(1, share) // cost) * cost
        units = min(left, whole)
        left -= units
        block = Block(sender, units, (whole - units) % cost)
        if sender == continued:
            block = block._replace(units=units + blocks.pop().units)
        blocks.append(block)
    return tuple(blocks)


def _order(demands: Mapping[str, SlotDemand], slot: int) -> list[str]:
    """Return the senders from one on that goes round by what each wants."""
    names = list(demands)
    point = _point(slot, sum(one.wanted for one in demands.values()) or 1)
    ends = list(accumulate(one.wanted for one in demands.values()))
    first = bisect_right(ends, point)
    return names[first:] + names[:first]


def _point(slot: int, total: int) -> int:
    """Return a number below `total` that takes all values evenly over the slots."""
    return ((slot * TURNS) % (1 << 32)) * total >> 32


class SlotPlan(NamedTuple):
    """Shares of one slot, the same for all senders: interleaved, or in blocks."""

    slot: int
    quota: int
    per_second: Decimal
    shares: Mapping[str, int]
    blocks: tuple[Block, ...] | None = None

    @classmethod
    def of_blocks(
        cls, slot: int, quota: int, per_second: Decimal, blocks: tuple[Block, ...]
    ) -> Self:
        """Make a plan of blocks."""
        shares = {block.sender: block.units for block in blocks}
        return cls(slot, quota, per_second, shares, blocks)

    @property
    def spare(self) -> int:
        """Number of grants that belong to no sender yet."""
        return self.quota - sum(self.shares.values())

    @property
    def latest(self) -> float:
        """Seconds after its instant at which a grant of a share is lost.

        What is used late comes on top of what is due in a second: of the part f of a quota that
        all shares hold together f * latest, at most. So a large quota that is not reached leaves
        its senders more time, and in no second do more than 1.05 times the quota start, whatever
        the slots before and behind have, also if the spare grants are taken.
        """
        held = self.quota - self.spare
        if self.blocks is not None or self.quota <= EXACT_UP_TO or not held:
            return GRANT_LIFETIME
        return min(LONGEST_LIFETIME, GRANT_LIFETIME + GRANT_LIFETIME * self.quota / held)

    @property
    def last_block(self) -> Block | None:
        """Block at the end of the slot; None: there is none there."""
        return self.blocks[-1] if self.blocks and not self.spare else None

    def first_number(self, sender: str | None) -> int | None:
        """Return the number since 1970 of the first grant of a block; None: interleaved."""
        if self.blocks is None:
            return None
        return self.slot * _thousandths(self.per_second) // THOUSAND + self._offset(sender)

    def instants(self, sender: str | None) -> "Instants":
        """Return the instants of a sender's grants; None: of the spare ones."""
        share = self.spare if sender is None else self.shares.get(sender, 0)
        if not share:
            return ExactInstants([])
        if self.blocks is not None:
            return EqualInstants(self.slot, share, 0.5, self._offset(sender), self.quota)
        owners = [*sorted(self.shares.items())]
        names: list[str | None] = [name for name, _ in owners]
        counts = [n for _, n in owners]
        if self.spare:
            names.append(None)
            counts.append(self.spare)
        own = names.index(sender)
        if self.quota > EXACT_UP_TO:
            return EqualInstants(self.slot, share, (own + 0.5) / len(counts))
        return ExactInstants(
            [at_share(self.slot, (rank + 0.5) / self.quota) for rank in _ranks(counts, own)],
        )

    def _offset(self, sender: str | None) -> int:
        offset = 0
        for block in self.blocks or ():
            if block.sender == sender:
                break
            offset += block.units
        return offset


class Instants(Protocol):
    """Rising instants, in seconds since 1970 by the server's clock."""

    def __len__(self) -> int:
        """Return their number."""

    def due_by(self, moment: float) -> int:
        """Return the number of those up to a moment."""

    def at(self, index: int) -> float:
        """Return one of them."""


class ExactInstants:
    """Instants of a list."""

    def __init__(self, instants: Sequence[float]) -> None:
        self._instants = instants

    def __len__(self) -> int:
        return len(self._instants)

    def due_by(self, moment: float) -> int:
        """Return the number of those up to a moment."""
        return bisect_right(self._instants, moment)

    def at(self, index: int) -> float:
        """Return one of them."""
        return self._instants[index]


class EqualInstants:
    """Instants at equal distances in one slot; `phase` from 0 to 1 moves them by that distance.

    `first`: the place of the first one among `places` of the slot.
    """

    def __init__(
        self, slot: int, count: int, phase: float, first: int = 0, places: int | None = None
    ) -> None:
        self._slot, self._count, self._phase = slot, count, phase + first
        self._places = count if places is None else places

    def __len__(self) -> int:
        return self._count

    def due_by(self, moment: float) -> int:
        """Return the number of those up to a moment."""
        share = (moment - self._slot - LEAD) / (1.0 - LEAD - TAIL)
        # Rounded, so that each is due at its own instant.
        return min(self._count, max(0, floor(share * self._places - self._phase + 1 + ROUNDING)))

    def at(self, index: int) -> float:
        """Return one of them."""
        return at_share(self._slot, (index + self._phase) / self._places)


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
