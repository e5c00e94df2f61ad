"""Grants of money: the part of a campaign's budget that a sender holds before it sends."""

from collections import deque
from decimal import ROUND_UP, Decimal
from typing import NamedTuple

from campaign_common.domain.content.price import DECIMALS

HELD_FOR = 0.25
"""Seconds of sends for which money is held while turns are short and reservations frequent: so much
is lost when a sender dies."""

HELD_TURNS = 2
"""Turns for which it is held at least, however long they are: the money of the next turn comes at
its end only."""

GROWTH = 2
"""Factor by which the amount that is held grows from one short turn to the next, at most."""

KEPT_FOR = 1.0
"""Seconds after which money that was not needed is returned, at least."""

KEPT_GAPS = 2
"""The same in gaps between two reservations: these come in bursts, one for each transaction of the
recorder, and what is held must last until the next one."""

LONGEST_KEPT = 60.0
"""The same, at most."""

GAP_FADING = 6
"""Seconds in which the longest gap that is remembered becomes a second shorter."""

SHORTEST_ELAPSED = 0.001

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


class LongestGap:
    """Longest gap of the last time; times are in seconds."""

    def __init__(self, now: float) -> None:
        self._seconds = 0.0
        self._noted_at = now

    def note(self, now: float, seconds: float) -> None:
        """Note a gap that ends now."""
        self._seconds, self._noted_at = max(seconds, self.at(now)), now

    def at(self, now: float) -> float:
        """Return the longest gap; it fades, so that a single long one is forgotten."""
        return max(0.0, self._seconds - (now - self._noted_at) / GAP_FADING)


class MoneyGrants:
    """Money of one campaign for one sender, which changes by turns.

    Times are in seconds. Not safe for use by several threads at once.
    """

    def __init__(self, now: float) -> None:
        self.held = NOTHING
        self.kept_for = KEPT_FOR
        """Seconds after which money that is not needed is returned, as of the last turn."""
        self._used = NOTHING
        self._aims: deque[tuple[float, Decimal]] = deque()
        """Falling amounts that were wanted in the last turns, each with the time of its turn."""
        self._turned_at = now
        self._asked: Decimal | None = None
        """Cost of the last reservation since the last turn, whether it was paid for or not."""
        self._asked_at: float | None = None
        self._last_cost = NOTHING
        self._lacked = NOTHING
        self._gap = LongestGap(now)
        self._is_scarce = False

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is held, and nothing was used since the last turn."""
        return not self.held and not self._used

    def reserve(self, cost: Decimal) -> bool:
        """Pay for a send that may start now; return whether there was enough."""
        self._asked = cost
        if cost > self.held:
            return False
        self.held -= cost
        self._used += cost
        return True

    def note_lacking(self, messages: int) -> None:
        """Note how many messages could have started besides, at the cost of the first of them."""
        self._lacked = max(self._lacked, messages * (self._asked or NOTHING))

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

    def note_left(self, left: Decimal) -> None:
        """Note what is left of the budget: of one that ends, nothing is kept for later messages."""
        self._is_scarce = left < self._last_cost

    def begin_turn(
        self, now: float, least: Decimal, *, cycle: float = 0.0, in_hand: bool = False
    ) -> WantedChange:
        """Return what is wanted, with the cost of the message that waits, or zero.

        What is held should last for `HELD_FOR` seconds, or for `HELD_TURNS` turns as long as the
        last one, by what was used in that, and for as many messages as could have started. What is
        not used any more is kept for two of the gaps between reservations, and the cost of one
        message while there are any.

        Args:
            now: local time.
            least: cost of the message that waits for money, or zero.
            cycle: longest time between two reservations that the sender knows of.
            in_hand: the sender has messages of the campaign.
        """
        elapsed = max(now - self._turned_at, SHORTEST_ELAPSED)
        self._turned_at = now
        lacked, self._lacked = self._lacked, NOTHING
        self._note_asked(now, least)
        used, self._used = max(NOTHING, self._used), NOTHING
        needed = used * Decimal(max(HELD_FOR / elapsed, HELD_TURNS))
        lowest = max(least, lacked)
        if in_hand and not self._is_scarce:
            lowest = max(lowest, self._last_cost)
        before = self._aims[0][1] if self._aims else NOTHING
        aim = max(min(needed, GROWTH * max(before, least, used)), lowest)
        longest_gap = max(cycle, self._gap.at(now))
        self.kept_for = min(max(KEPT_FOR, KEPT_GAPS * longest_gap), LONGEST_KEPT)
        highest = self._highest_aim(now, aim.quantize(SMALLEST, ROUND_UP))
        return WantedChange(highest - self.held, max(NOTHING, least - self.held))

    def _highest_aim(self, now: float, aim: Decimal) -> Decimal:
        """Return the highest amount that was wanted in a turn of the last `kept_for` seconds."""
        while self._aims and self._aims[-1][1] <= aim:
            self._aims.pop()
        self._aims.append((now, aim))
        while now - self._aims[0][0] >= self.kept_for:
            self._aims.popleft()
        return self._aims[0][1]

    def _note_asked(self, now: float, least: Decimal) -> None:
        """Note the gap between two reservations; a wait for money is none."""
        if self._asked is not None:
            if self._asked_at is not None:
                self._gap.note(now, now - self._asked_at)
            self._last_cost, self._asked = self._asked, None
            self._asked_at = now
        elif least:
            self._asked_at = now
