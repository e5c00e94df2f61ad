"""Simulated senders that share one provider's slots, on clocks that a test moves."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import floor
from random import Random

from campaign_common.domain.limits.grants import SlotGrants
from campaign_common.domain.limits.planning import (
    BLANK_SLOTS,
    STUCK_AFTER,
    StoredSlot,
    is_stuck,
    plan_next,
    slot_at,
    spare_bounds,
)
from campaign_common.domain.limits.server_clock import ClockState, ServerClock
from campaign_common.domain.limits.slots import SlotDemand

TICK = 0.004
"""Seconds between two looks of a sender at what is due."""

TURN = 0.2
"""Seconds between two turns of a sender with the database."""

FORGET_AFTER = 90.0


@dataclass
class Server:
    """A database server: its clock, and the rows of the slots."""

    per_second: Decimal
    name: str = "one"
    ahead: float = 1_800_000_000.0
    """Its clock less the real time, in seconds."""
    slots: dict[int, StoredSlot] = field(default_factory=dict)
    wanted: dict[str, tuple[SlotDemand, float]] = field(default_factory=dict)

    def time(self, real: float) -> float:
        """Return the server's clock."""
        return self.ahead + real


@dataclass
class SimulatedSender:
    """A sender: its clock, its grants, and the messages that wait."""

    name: str
    random: Random
    skew: float
    drift: float
    backlog: int = 10**9
    held_up: float = 0.1
    """Share of its turns with the database that are late, while it goes on sending."""
    asleep_until: float = 0.0
    dead: bool = False
    cost: int = 1
    """Units of each message."""
    turn_at: float = 0.0
    stuck_since: float | None = None
    clock: ServerClock = field(default_factory=ServerClock)
    starts: list[float] = field(default_factory=list)
    """Real times of the starts."""
    numbers: list[int] = field(default_factory=list)
    """Slots of the server's clock in which they were."""

    def __post_init__(self) -> None:
        self.grants = SlotGrants(self.name)

    def local(self, real: float) -> float:
        """Return its own clock."""
        return self.skew + real * (1 + self.drift)

    def turn(self, real: float, server: Server) -> None:
        """Read the slots with the time; plan the next one; take spare grants."""
        trip = self.random.choice([0.001, 0.002, 0.005, 0.015])
        asked = real - trip
        moment = server.time(real - trip * self.random.random())
        local = self.local(real)
        if not self.clock.add(self.local(asked), local, moment, server.name):
            self.grants.refuse(server.slots, local)
        self.grants.forget_before(self.local(real) - FORGET_AFTER)
        server.wanted[self.name] = (
            SlotDemand(min(self.backlog * self.cost, 10_000), self.cost),
            moment,
        )
        now = slot_at(moment)
        stored = [one for slot, one in sorted(server.slots.items()) if slot > now - BLANK_SLOTS]
        self._clear_stuck(real, moment, stored, server)
        fresh = {name: one for name, (one, at) in server.wanted.items() if moment - at < 2.5}
        state = self.clock.state(local)
        planned = plan_next(
            moment,
            server.name,
            stored,
            server.per_second,
            fresh,
            state,
            in_blocks=self.cost > 1,
        )
        if planned is not None and planned.plan.slot not in server.slots:
            server.slots[planned.plan.slot] = planned
        if state is not ClockState.SETTLED:
            return
        for slot in (now, now + 1):
            one = server.slots.get(slot)
            if one is not None and one.server == server.name:
                self.grants.add_share(one.plan, local)
        self._take_spare(server, moment)

    def _take_spare(self, server: Server, moment: float) -> None:
        one = server.slots.get(slot_at(moment))
        reading = self.clock.read(self.local(0.0))
        if one is None or reading is None or not self.grants.serves(one.plan.slot):
            return
        missing = min(self.backlog * self.cost, 10_000) - self.grants.left_in(one.plan.slot)
        instants = one.plan.instants(None)
        offered = spare_bounds(one.plan, instants, moment)
        first = max(one.spare_taken, offered.start)
        last = min(first + missing, offered.stop)
        if last > first:
            server.slots[one.plan.slot] = one._replace(spare_taken=last)
            self.grants.add_spare(one.plan, instants, first, last)

    def _clear_stuck(
        self, real: float, moment: float, stored: list[StoredSlot], server: Server
    ) -> None:
        if not is_stuck(moment, stored):
            self.stuck_since = None
            return
        self.stuck_since = self.stuck_since or self.local(real)
        if self.local(real) - self.stuck_since > STUCK_AFTER:
            server.slots = {n: one for n, one in server.slots.items() if n <= slot_at(moment)}

    def send(self, real: float, server: Server) -> float:
        """Start what is due, now or after a pause; return the real time afterwards."""
        while self.backlog:
            reading = self.clock.read(self.local(real))
            due = self.grants.take(reading, self.cost) if reading else None
            if reading is None or due is None:
                return real
            until = due.end - reading.moment + self.local(real)
            if self.random.random() < 0.002:
                real += self.random.choice([0.01, 0.019, 0.03, 0.5, 3.0])
            if self.local(real) <= until:
                self.backlog -= 1
                self.starts.append(real)
                self.numbers.append(floor(server.time(real)))
        return real


def run(senders: list[SimulatedSender], server: Server, seconds: float, *, begin: float) -> None:
    """Let the senders work for some real time."""
    real = begin
    while real < begin + seconds:
        real += TICK
        for sender in senders:
            if sender.dead or sender.asleep_until > real:
                continue
            if sender.turn_at <= real:
                sender.turn(real, server)
                pause = TURN if sender.random.random() < 1 - sender.held_up else 8 * TURN
                sender.turn_at = real + pause * sender.random.uniform(0.8, 1.2)
            woken = sender.send(real, server)
            if woken > real:
                sender.asleep_until = woken


def per_slot(senders: list[SimulatedSender]) -> Counter[int]:
    """Count the starts by slots of the server's clock."""
    return Counter(number for sender in senders for number in sender.numbers)


def fullest_window(senders: list[SimulatedSender]) -> int:
    """Return the most starts in one second of real time."""
    starts = sorted(start for sender in senders for start in sender.starts)
    first = most = 0
    for last, start in enumerate(starts):
        while starts[first] <= start - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def longest_pause(senders: list[SimulatedSender]) -> float:
    """Return the longest time without a start."""
    starts = sorted(start for sender in senders for start in sender.starts)
    return max((later - earlier for earlier, later in pairwise(starts)), default=0.0)
