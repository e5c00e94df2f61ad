"""Grants of one sender for one limit: taken at their instants, and lost when missed."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.domain.limits.slots import GRANT_LIFETIME, Instants, SlotPlan

LASTING = 0.5
"""Part of its time that a grant has to last, where there are enough that do."""


class DueGrants(NamedTuple):
    """Number of units that may start now, and the moment after which they may not."""

    units: int
    end: float
    """By the server's clock, less the margin of its estimate."""


class _Granted:
    """Grants of one slot; those below `used` are taken or missed.

    `indices`: those of them that belong to this sender. `latest`: seconds after its instant at
    which a grant is lost. `end`: moment after which none of them may be used. `number`: that of
    the first grant of `instants` since 1970, where they are a block. `before`: the block that ends
    where this one begins.
    """

    def __init__(
        self,
        slot: int,
        instants: Instants,
        indices: range,
        latest: float,
        end: float,
        number: int | None,
        before: "_Granted | None",
    ) -> None:
        self.slot = slot
        self.instants = instants
        self.used = indices.start
        self.last = indices.stop
        self.latest = latest
        self.end = end
        self.number = number
        self.before = before
        self._free_from: int | None = None

    @property
    def free_from(self) -> int:
        """Number of the first grant that is not part of a message that has started."""
        if self._free_from is not None:
            return self._free_from
        return self.number or 0 if self.before is None else self.before.free_from

    def forget_before(self) -> None:
        """Let go of the block before this one."""
        self._free_from, self.before = self.free_from, None

    def start(self, used: int) -> None:
        """Note a message that starts at the grant before `used`."""
        self.used = used
        if self.number is not None:
            self._free_from, self.before = self.number + used, None

    def drop_missed(self, moment: float) -> None:
        self.used = min(self.last, max(self.used, self.instants.due_by(moment - self.latest)))

    def lasting(self, moment: float) -> int:
        """Return the number of grants that are due and have `LASTING` of their time left."""
        over = self.instants.due_by(moment - self.latest * (1 - LASTING))
        return max(0, min(self.last, self.instants.due_by(moment)) - max(self.used, over))

    def due(self, moment: float) -> int:
        return max(0, min(self.last, self.instants.due_by(moment)) - self.used)

    def start_for(self, cost: int) -> int | None:
        """Return the index of the first grant at which a message may start; None: in no block."""
        if cost == 1:
            return self.used
        if self.number is None:
            return None
        return max(self.used, self.free_from + cost - 1 - self.number)

    def ended(self, reading: ClockReading) -> bool:
        return self.used >= self.last or reading.moment - reading.margin >= self.end


class SlotGrants:
    """Grants of a sender over the slots; not safe for use by several threads at once.

    Nothing here is ever granted twice: a slot's shares are added once, spare grants have indices
    that only one sender has, and what was taken or missed does not come back, even where the clock
    of the server goes back.

    A grant is lost `latest` seconds after its instant, one of a share that is a small part of a
    large quota later (`SlotPlan.latest`). More than `GRANT_LIFETIME` lets it wait for a grant of
    another limit, also into the next slot.
    """

    def __init__(self, sender: str, latest: float = GRANT_LIFETIME) -> None:
        self._sender = sender
        self._latest = latest
        self._granted: list[_Granted] = []
        self._newest: _Granted | None = None
        """The block that was added last; it may have ended."""
        self._known: dict[int, float] = {}
        """Slots whose shares were added, with the local time of that in seconds."""
        self._refused: set[int] = set()

    def add_share(self, plan: SlotPlan, local: float) -> bool:
        """Add the own share of a slot; False where that was done before."""
        if plan.slot in self._known:
            return False
        self._known[plan.slot] = local
        instants = plan.instants(self._sender)
        if len(instants):
            number = plan.first_number(self._sender)
            latest = max(self._latest, plan.latest)
            self._add(plan.slot, instants, range(len(instants)), latest, number)
        return True

    def add_spare(self, plan: SlotPlan, instants: Instants, first: int, last: int) -> None:
        """Add spare grants of a slot, by their indices; `instants` are those of all spare ones."""
        if first < last:
            number = plan.first_number(None)
            self._add(plan.slot, instants, range(first, last), self._latest, number)

    def _add(
        self, slot: int, instants: Instants, indices: range, latest: float, number: int | None
    ) -> None:
        before = self._newest
        if before is not None and (
            number is None
            or before.number is None
            or before.number + before.last != number + indices.start
        ):
            before = None
        end = slot + 1 + (self._latest - GRANT_LIFETIME)
        granted = _Granted(slot, instants, indices, latest, end, number, before)
        if before is None:
            granted.start(indices.start)
        elif before not in self._granted:
            granted.forget_before()
        self._granted.append(granted)
        self._newest = granted

    def serves(self, slot: int) -> bool:
        """Return whether the shares of a slot were added, and not refused."""
        return slot in self._known and slot not in self._refused

    def forget_before(self, local: float) -> None:
        """Forget which slots were added before a local time in seconds."""
        self._known = {slot: at for slot, at in self._known.items() if at >= local}
        self._refused &= self._known.keys()

    def refuse(self, slots: Iterable[int], local: float) -> None:
        """Drop every grant, and refuse those of some slots, as after a step of the clock."""
        self._granted.clear()
        self._newest = None
        for slot in slots:
            self._refused.add(slot)
            self._known[slot] = local

    def take(self, reading: ClockReading, cost: int) -> DueGrants | None:
        """Take the grants of one message of `cost` units; None: it may not start yet.

        It starts at the last of `cost` grants that follow each other, of which none was used by
        another message. Nothing is kept for a message that has to wait for some of them.
        """
        for granted, count in self._usable(reading):
            index = granted.start_for(cost)
            if index is not None and index < granted.used + count:
                granted.start(index + 1)
                return DueGrants(cost, _end(granted, index, reading))
        return None

    def take_up_to(self, reading: ClockReading, units: int) -> DueGrants | None:
        """Take as many units as are due now, at most `units`; None: none is due.

        Where there are more, the older ones are left, and lost, unless all last for some time: what
        is started in one go takes its time.
        """
        missing = units
        end = inf
        for granted, count in self._usable(reading):
            taken = min(count, missing)
            if taken <= 0:
                break
            kept = max(taken, granted.lasting(reading.moment))
            granted.start(granted.used + count - kept)
            end = min(end, _end(granted, granted.used, reading))
            granted.start(granted.used + taken)
            missing -= taken
        return DueGrants(units - missing, end) if missing < units else None

    def upcoming(self, reading: ClockReading, seconds: float) -> int:
        """Return the number of grants that are due now or within so many seconds."""
        end = reading.moment + seconds
        self._drop_missed(reading)
        return sum(granted.due(end) for granted in self._granted)

    def next_instant(self, reading: ClockReading) -> float | None:
        """Return the moment of the next grant; None where none is left."""
        self._drop_missed(reading)
        left = [one.instants.at(one.used) for one in self._granted if one.used < one.last]
        return min(left, default=None)

    def left_in(self, slot: int) -> int:
        """Return the number of grants of a slot that are neither taken nor missed."""
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
            granted.drop_missed(reading.moment)
        if any(granted.ended(reading) for granted in self._granted):
            self._granted = [one for one in self._granted if not one.ended(reading)]
            for granted in self._granted:
                if granted.before is not None and granted.before not in self._granted:
                    granted.forget_before()


def _end(granted: _Granted, index: int, reading: ClockReading) -> float:
    return min(granted.instants.at(index) + granted.latest, granted.end - reading.margin)
