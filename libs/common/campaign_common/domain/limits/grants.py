"""Grants of one sender for one limit: taken at their instants, and lost when missed."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.domain.limits.slots import LATEST, Instants, SlotPlan


class DueGrants(NamedTuple):
    """Number of units that may start now, and the moment after which they may not."""

    units: int
    until: float
    """By the server's clock, less the margin of its estimate."""


class _Granted:
    """Grants of one slot; those below `used` are taken or lost."""

    def __init__(self, slot: int, instants: Instants, first: int, last: int, latest: float) -> None:
        self.slot = slot
        self.instants = instants
        self.used = first
        self.last = last
        self.latest = latest
        self.end = slot + 1 + latest - LATEST
        """Moment after which none of them may be used."""

    def drop_missed(self, moment: float) -> None:
        self.used = min(self.last, max(self.used, self.instants.until(moment - self.latest)))

    def due(self, moment: float) -> int:
        return max(0, min(self.last, self.instants.until(moment)) - self.used)

    def ended(self, reading: ClockReading) -> bool:
        return self.used >= self.last or reading.moment - reading.margin >= self.end


class SlotGrants:
    """Grants of a sender over the slots; not safe for use by several threads at once.

    Nothing here is ever granted twice: a slot's shares are taken over once, spare grants have
    indices that only one sender has, and what was taken or missed does not come back, even where
    the clock of the server goes back.

    A grant is lost `latest` seconds after its instant. More than `LATEST` lets it wait for a grant
    of another limit, also into the next slot.
    """

    def __init__(self, sender: str, latest: float = LATEST) -> None:
        self._sender = sender
        self._latest = latest
        self._granted: list[_Granted] = []
        self._known: dict[int, float] = {}
        """Slots whose shares were taken over, with the local time of that in seconds."""
        self._refused: set[int] = set()
        self._credit = 0
        self.lost = 0
        """Number of grants that were missed. For metrics."""

    def take_over(self, plan: SlotPlan, local: float) -> bool:
        """Take over the own share of a slot; False where that was done before."""
        if plan.slot in self._known:
            return False
        self._known[plan.slot] = local
        instants = plan.instants(self._sender)
        if len(instants):
            self._granted.append(_Granted(plan.slot, instants, 0, len(instants), self._latest))
        return True

    def add_spare(self, plan: SlotPlan, first: int, last: int) -> None:
        """Add spare grants of a slot, by their indices."""
        if first < last:
            instants = plan.instants(None)
            self._granted.append(_Granted(plan.slot, instants, first, last, self._latest))

    def serves(self, slot: int) -> bool:
        """Return whether the shares of a slot were taken over, and not refused."""
        return slot in self._known and slot not in self._refused

    def forget_before(self, local: float) -> None:
        """Forget which slots were taken over before a local time in seconds."""
        self._known = {slot: at for slot, at in self._known.items() if at >= local}
        self._refused &= self._known.keys()

    def refuse(self, slots: Iterable[int], local: float) -> None:
        """Drop every grant, and refuse those of some slots, as after a step of the clock."""
        self._granted.clear()
        self._credit = 0
        for slot in slots:
            self._refused.add(slot)
            self._known[slot] = local

    def take(self, reading: ClockReading, cost: int) -> DueGrants | None:
        """Take `cost` units that are due now; None: they are not due yet.

        More than one unit is gathered over the instants of its grants, for the message that waits
        for them: it starts at the instant of the last one.
        """
        due = list(self._usable(reading))
        available = self._credit + sum(count for _, count in due)
        if available < cost:
            if cost > 1:
                self._credit = available
                for granted, count in due:
                    granted.used += count
            return None
        missing = cost - self._credit
        self._credit = 0
        until = inf
        for granted, count in due:
            taken = min(count, missing)
            if taken <= 0:
                break
            granted.used += taken
            missing -= taken
            instant = granted.instants.at(granted.used - taken)
            until = min(until, instant + self._latest, granted.end - reading.margin)
        return DueGrants(cost, until)

    def take_up_to(self, reading: ClockReading, units: int) -> DueGrants | None:
        """Take as many units as are due now, at most `units`; None: none is due."""
        due = sum(count for _, count in self._usable(reading))
        return self.take(reading, min(due, units)) if due and units else None

    def drop_gathered(self) -> None:
        """Lose what was gathered: the message that it was for has gone."""
        self._credit = 0

    def upcoming(self, reading: ClockReading, seconds: float) -> int:
        """Return the number of grants that are due now or within so many seconds."""
        end = reading.moment + seconds
        self._drop_missed(reading)
        return self._credit + sum(granted.due(end) for granted in self._granted)

    def next_instant(self, reading: ClockReading) -> float | None:
        """Return the moment of the next grant; None where none is left."""
        self._drop_missed(reading)
        left = [one.instants.at(one.used) for one in self._granted if one.used < one.last]
        return min(left, default=None)

    def left_in(self, slot: int) -> int:
        """Return the number of grants of a slot that are neither taken nor lost."""
        return sum(one.last - one.used for one in self._granted if one.slot == slot)

    def _usable(self, reading: ClockReading) -> Iterator[tuple[_Granted, int]]:
        self._drop_missed(reading)
        for granted in self._granted:
            if (
                reading.moment - reading.margin >= granted.slot
                and reading.moment + reading.margin < granted.end
                and (count := granted.due(reading.moment))
            ):
                yield granted, count

    def _drop_missed(self, reading: ClockReading) -> None:
        for granted in self._granted:
            before = granted.used
            granted.drop_missed(reading.moment)
            self.lost += granted.used - before
        if any(granted.ended(reading) for granted in self._granted):
            self._granted = [one for one in self._granted if not one.ended(reading)]
