"""Grants of money: the part of a campaign's budget that a sender holds before it sends."""

from decimal import ROUND_UP, Decimal
from typing import NamedTuple

from campaign_common.domain.content.price import DECIMALS

HELD_FOR = 0.25
"""Seconds of sends for which money is held while turns are short: so much is lost when a sender
dies."""

HELD_TURNS = 2
"""Turns for which it is held at least, however long they are: the money of the next turn comes at
its end only."""

GROWTH = 2
"""Factor by which the amount that is held grows from one short turn to the next, at most."""

KEPT_FOR = 1.0
"""Seconds after which money that was not needed is returned: sends come in bursts, one for each
transaction of the recorder."""

SHORTEST_TURN = 0.001

NOTHING = Decimal()
SMALLEST = Decimal(1).scaleb(-DECIMALS)
"""Smallest amount that is not zero."""


class WantedChange(NamedTuple):
    """Change that a sender wants of what it holds; a negative amount is returned."""

    amount: Decimal
    least: Decimal = NOTHING
    """Less would not pay for the message that waits, so nothing is taken. Zero: none waits, or
    what is held pays for it."""

    def granted(self, left: Decimal) -> Decimal:
        """Return what is taken of a budget of which so much is left; a negative one is returned."""
        if self.amount <= 0:
            return self.amount
        amount = min(self.amount, max(NOTHING, left))
        return NOTHING if amount < self.least else amount


class MoneyGrants:
    """Money of one campaign for one sender, which changes by turns.

    Times are in seconds. Not safe for use by several threads at once.
    """

    def __init__(self, now: float) -> None:
        self.held = NOTHING
        self._used = NOTHING
        self._aim = NOTHING
        self._aimed_at = self._turned_at = now

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is held, and nothing was used since the last turn."""
        return not self.held and not self._used

    def reserve(self, cost: Decimal) -> bool:
        """Pay for a send that may start now; return whether there was enough."""
        if cost > self.held:
            return False
        self.held -= cost
        self._used += cost
        return True

    def give_back(self, cost: Decimal) -> None:
        """Take back the cost of a send that did not start."""
        self.held += cost
        self._used -= cost

    def add(self, amount: Decimal) -> None:
        """Hold more, or less."""
        self.held += amount

    def surrender(self, most: Decimal | None = None) -> Decimal:
        """Take what is held out of it, up to an amount, to return it; return how much that is."""
        amount = self.held if most is None else min(self.held, most)
        self.held -= amount
        return amount

    def begin_turn(self, now: float, least: Decimal) -> WantedChange:
        """Return what is wanted, with the cost of the message that waits, or zero.

        What is held should last for `HELD_FOR` seconds, or for `HELD_TURNS` turns as long as the
        last one, by what was used in that. Nothing is wanted for a campaign of which nothing was
        sent for `KEPT_FOR`.
        """
        elapsed = max(now - self._turned_at, SHORTEST_TURN)
        self._turned_at = now
        used, self._used = max(NOTHING, self._used), NOTHING
        needed = used * Decimal(max(HELD_FOR / elapsed, HELD_TURNS))
        aim = max(min(needed, GROWTH * max(self._aim, least, used)), least)
        if aim >= self._aim or now - self._aimed_at >= KEPT_FOR:
            self._aim, self._aimed_at = aim.quantize(SMALLEST, ROUND_UP), now
        return WantedChange(self._aim - self.held, max(NOTHING, least - self.held))
