"""Turn times: when a sender reads the slots and plans the next one, by how long that takes."""

from campaign_common.domain.limits.planning import PLANNED_FROM, slot_at
from campaign_common.domain.limits.server_clock import LEAST_MARGIN, ClockReading

EARLIEST = PLANNED_FROM + 0.05
"""Part of a slot after which the first sender begins its turn, where the database is near."""

LATEST_TURN = 0.9
"""Part of a slot after which the last one does, there."""

ENDED_BY = 0.97
"""Part of a slot by which a turn is to have ended."""

SPREAD = 0.1
"""Seconds over which senders begin, however far the database is."""

FIRST_PLANNED = 0.05
"""Part of a slot after which the next one is planned at the earliest, where that takes long."""

JITTER = 0.03
"""Seconds by which the server reads the slots later than that."""

FAR = 0.05
"""Seconds of a round trip above which a turn begins by one earlier: now and then a session asks its
server first whether it takes writes."""

ROUND_TRIPS = 3
"""Round trips of a turn: it reads slots, plans one, and reads what another sender has planned."""

RESERVE = 1.5
"""Multiple of what a turn took, for which one begins before its slot is to be planned."""

TURN_FADING = 0.9
"""Part of the duration of a slow turn that is kept with each one that is faster."""


class TurnTimes:
    """Times of the turns of one sender, in the order of all; once in a slot, before it is over.

    A sender far away begins earlier, so that a slot is planned and read before it begins.
    """

    def __init__(self, sender: str) -> None:
        self._phase = turn_phase(sender)
        self._trip = 0.0
        self._taken = 0.0
        self._served = 0
        """Slot in which the last turn was that could plan the next one."""

    @property
    def trip(self) -> float:
        """Return the seconds of a round trip to the database."""
        return self._trip

    @property
    def planned_from(self) -> float:
        """Return the part of a slot after which this sender plans the next one."""
        return min(PLANNED_FROM, max(FIRST_PLANNED, self._begin(0.0) + self._trip / 2 - 0.05))

    def note(self, moment: float, seconds: float, reading: ClockReading | None) -> None:
        """Note a turn: the server's time when it read the slots, and how long it took in all."""
        if reading is not None:
            self._trip = max(0.0, 2 * (reading.margin - LEAST_MARGIN))
        if moment % 1.0 >= self.planned_from:
            self._served = slot_at(moment)
            self._taken = max(seconds, TURN_FADING * self._taken)

    def until(self, moment: float, *, is_alone: bool) -> float:
        """Return the seconds from a moment of the server's clock until the next turn.

        Senders come one after another. One that is alone comes early, so that a pause of the
        process does not leave a slot without a plan. A turn that is overdue comes at once.
        """
        begin = self._begin(0.0 if is_alone else self._phase)
        slot = slot_at(moment)
        if slot <= self._served or moment + self._trip >= slot + 1:
            slot += 1
        early = self._trip if self._trip > FAR else 0.0
        return max(0.0, slot + begin - early - moment)

    def until_read(self, moment: float) -> float:
        """Return the seconds until a turn that has begun may read the slots.

        One that is early by more than a round trip is for spare grants, and does not wait.
        """
        if self._trip <= FAR:
            return 0.0
        arrival = moment + self._trip / 2
        slot = max(slot_at(arrival), self._served + 1)
        wait = slot + self.planned_from + JITTER - arrival
        return wait if 0.0 < wait <= self._trip + JITTER else 0.0

    def _begin(self, phase: float) -> float:
        """Return the part of a slot after which a turn begins; below 0: in the slot before."""
        latest = min(LATEST_TURN, ENDED_BY - max(ROUND_TRIPS * self._trip, RESERVE * self._taken))
        first = FIRST_PLANNED + JITTER - self._trip / 2
        latest = max(first, latest)
        earliest = max(first, min(EARLIEST, latest - SPREAD))
        return earliest + (latest - earliest) * phase


def turn_phase(sender: str) -> float:
    """Return the place of a sender's turns among those of all senders, from 0 to 1."""
    return int(sender[-4:], 16) / 0x10000 if sender else 0.0
