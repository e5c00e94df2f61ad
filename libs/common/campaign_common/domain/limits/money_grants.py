"""Grants of money: the part of a campaign's budget that a sender holds before it sends."""

from decimal import ROUND_UP, Decimal
from typing import NamedTuple

from campaign_common.domain.content.price import DECIMALS

HELD_FOR = 0.25
"""Seconds of sends for which money is held: that much is lost when a sender dies."""

GROWTH = 2
"""Factor by which the amount that is held grows from one turn to the next, at most."""

KEPT_FOR = 1.0
"""Seconds after which money that was not needed is returned: sends come in bursts, one for each
transaction of the recorder."""

SHORTEST_TURN = 0.001

NOTHING = Decimal()
_EXACT = Decimal(1).scaleb(-DECIMALS)


class WantedMoney(NamedTuple):
    """Amount that a sender wants to hold, and the cost of the message that waits for it."""

    amount: Decimal
    least: Decimal
    """Zero: none waits."""


class Change(NamedTuple):
    """Amount to take from a budget; a negative one is returned to it."""

    amount: Decimal
    is_used_up: bool = False
    """There is too little for the message that waits, of what is held and left together."""


class MoneyGrants:
    """Money of one campaign for one sender, which changes by turns.

    Not safe for use by several threads at once.
    """

    def __init__(self) -> None:
        self.held = NOTHING
        self._used = NOTHING
        self._lacking = NOTHING
        self._aim = NOTHING
        self._aim_age = 0.0
        """Seconds since so much was needed."""

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is held, and no message waits."""
        return not self.held and not self._lacking and not self._used

    def reserve(self, cost: Decimal) -> bool:
        """Pay for a send that may start now; return whether there was enough."""
        if cost > self.held:
            self._lacking = max(self._lacking, cost)
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

    def forget_lack(self) -> None:
        """Forget that a message could not be paid for: it has another chance, or is gone."""
        self._lacking = NOTHING

    def begin_turn(self, elapsed: float) -> WantedMoney:
        """Return what is wanted after so many seconds since the last turn.

        That is what `HELD_FOR` seconds take at the pace of the last turns, and enough for a message
        that waits. Nothing is wanted for a campaign of which nothing was sent for `KEPT_FOR`.
        """
        used, self._used = max(NOTHING, self._used), NOTHING
        least = self._lacking
        pace = used * Decimal(HELD_FOR / max(elapsed, SHORTEST_TURN))
        aim = max(min(pace, GROWTH * max(self._aim, least, used)), least)
        self._aim_age += elapsed
        if aim >= self._aim or self._aim_age >= KEPT_FOR:
            self._aim, self._aim_age = aim.quantize(_EXACT, ROUND_UP), 0.0
        return WantedMoney(self._aim, least)

    def change(self, wanted: WantedMoney, left: Decimal) -> Change:
        """Return how what is held should change; `left` is what may still be taken.

        What is too little for the message that waits is returned, so that another sender may
        have use for it.
        """
        amount = min(wanted.amount - self.held, left)
        is_used_up = self.held + max(NOTHING, amount) < wanted.least
        return Change(-self.held if is_used_up else amount, is_used_up)
