"""Simulated senders that share one provider's slots, on clocks that a test moves."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import floor
from random import Random
from typing import NamedTuple

from campaign_common.domain.limits.grants import SlotGrants
from campaign_common.domain.limits.planning import (
    BLANK_SLOTS,
    PLANNED_FROM,
    SLOTS_STUCK_AFTER,
    StoredSlot,
    is_stuck,
    plan_next,
    slot_at,
    spare_bounds,
)
from campaign_common.domain.limits.server_clock import ServerClock
from campaign_common.domain.limits.slots import GRANT_LIFETIME, SlotDemand
from campaign_common.domain.limits.turn_times import TurnTimes

TICK = 0.004
"""Seconds between two looks of a sender at what is due."""

TURN = 0.2
"""Seconds between two turns of a sender with the database."""

FOLLOWING = 0.3
"""Seconds between two reads of the time by a sender without messages."""

FORGET_AFTER = 90.0

NEAR = [0.0005, 0.001, 0.0025, 0.0075]
"""Seconds of one way to a server that is near."""

Steps = Generator[float, float, None]
"""A turn that goes on at the real time that it yields, or later, and is told that time."""


class Read(NamedTuple):
    """Rows as a statement has read them, with the server's time and name."""

    moment: float
    server: str
    stored: list[StoredSlot]
    fresh: dict[str, SlotDemand]


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
    idle_until: float = 0.0
    """Real time until which it has no message, and reads the time alone."""
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

    latest: float = GRANT_LIFETIME
    """Seconds after its instant at which a grant is lost."""
    far: tuple[float, float] | None = None
    """Seconds of one way to the server, at least and at most; None: it is near."""
    times: TurnTimes | None = None
    """Times of its turns; None: at any time, as after a pause of the process."""

    def __post_init__(self) -> None:
        self.grants = SlotGrants(self.name, self.latest)
        self._steps: Steps | None = None
        self._clock_steps = 0
        """Steps of its clock after which it has read the slots."""

    def step(self, real: float, server: Server) -> None:
        """Go on with the turn, or begin one."""
        if self._steps is None and real < self.idle_until:
            self._follow(real, server)
            return
        if self._steps is None:
            self._steps = self.turn(real, server)
            self.turn_at = next(self._steps)
            return
        try:
            self.turn_at = self._steps.send(real)
        except StopIteration:
            self._steps = None
            reading = self.clock.read(self.local(real))
            if self.times is not None and reading is not None:
                self.turn_at = real + self.times.until(reading.moment, is_alone=False) + 0.005
                return
            pause = TURN if self.random.random() < 1 - self.held_up else 8 * TURN
            self.turn_at = real + pause * self.random.uniform(0.8, 1.2)

    def _follow(self, real: float, server: Server) -> None:
        there, back = self._way(), self._way()
        began, ended = self.local(real), self.local(real + there + back)
        self.clock.add(began, ended, server.time(real + there), server.name)
        self.turn_at = real + there + back + FOLLOWING

    def local(self, real: float) -> float:
        """Return its own clock."""
        return self.skew + real * (1 + self.drift)

    def turn(self, real: float, server: Server) -> Steps:
        """Read the slots with the time; plan the next one; take spare grants.

        Each statement takes its time to the server and back, while the sender goes on sending.
        """
        reading = self.clock.read(self.local(real))
        if self.times is not None and reading is not None:
            real = yield real + self.times.until_read(reading.moment)
        began = real
        real, read = yield from self._read(real, server)
        state = self.clock.state(self.local(real))
        planned = plan_next(
            read.moment,
            read.server,
            read.stored,
            server.per_second,
            {**read.fresh, self.name: self._demand()},
            state,
            in_blocks=self.cost > 1,
            planned_from=self._planned_from,
        )
        self._add_shares(real, read, read.stored)
        if planned is not None:
            slot = planned.plan.slot
            real = yield real + self._way()
            is_in_time = server.name == read.server and server.time(real) < slot
            is_inserted = is_in_time and slot not in server.slots
            if is_inserted:
                server.slots[slot] = planned
            real = yield real + self._way()
            if is_inserted:
                self._add_shares(real, read, [planned])
            else:
                real, read = yield from self._read(real, server)
                self._add_shares(real, read, read.stored)
        if self.times is not None:
            self.times.note(read.moment, real - began, self.clock.read(self.local(real)))
        real = yield real + self._way()
        server.wanted[self.name] = (self._demand(), server.time(real))
        real = yield real + self._way()
        if self.clock.state(self.local(real)).is_trusted:
            yield from self._take_spare(real, server)

    @property
    def _planned_from(self) -> float:
        if self.times is not None:
            return self.times.planned_from
        return PLANNED_FROM if self.far is None else 0.0

    def _demand(self) -> SlotDemand:
        return SlotDemand(min(self.backlog * self.cost, 10_000), self.cost)

    def _way(self) -> float:
        """Return the seconds of one way to the server or back."""
        return self.random.choice(NEAR) if self.far is None else self.random.uniform(*self.far)

    def _read(self, real: float, server: Server) -> Generator[float, float, tuple[float, Read]]:
        asked = real
        real = yield real + self._way()
        moment, now = server.time(real), slot_at(server.time(real))
        stored = [one for slot, one in sorted(server.slots.items()) if slot > now - BLANK_SLOTS]
        fresh = {name: one for name, (one, at) in server.wanted.items() if moment - at < 2.5}
        read = Read(moment, server.name, stored, fresh)
        real = yield real + self._way()
        local = self.local(real)
        self.clock.add(self.local(asked), local, moment, read.server)
        if self._clock_steps != self.clock.steps:
            self._clock_steps = self.clock.steps
            self.grants.refuse([one.plan.slot for one in stored], local)
        self.grants.forget_before(local - FORGET_AFTER)
        self._clear_stuck(real, moment, stored, server)
        return real, read

    def _add_shares(self, real: float, read: Read, stored: Sequence[StoredSlot]) -> None:
        if not self.clock.state(self.local(real)).is_trusted:
            return
        for one in stored:
            is_near = one.plan.slot - slot_at(read.moment) in {0, 1}
            if is_near and one.server == read.server:
                self.grants.add_share(one.plan, self.local(real))

    def _take_spare(self, real: float, server: Server) -> Steps:
        reading = self.clock.read(self.local(real))
        one = server.slots.get(slot_at(reading.moment)) if reading else None
        if one is None or reading is None or not self.grants.serves(one.plan.slot):
            return
        missing = min(self.backlog * self.cost, 10_000) - self.grants.left_in(one.plan.slot)
        instants = one.plan.instants(None)
        offered = spare_bounds(one.plan, instants, reading.moment)
        if not offered or missing <= 0:
            return
        real = yield real + self._way()
        one = server.slots.get(one.plan.slot)
        if one is None or one.plan.slot != slot_at(server.time(real)) or one.server != server.name:
            return
        first = max(one.spare_taken, offered.start)
        last = min(first + missing, offered.stop)
        if last > first:
            server.slots[one.plan.slot] = one._replace(spare_taken=last)
            yield real + self._way()
            self.grants.add_spare(one.plan, instants, first, last)

    def _clear_stuck(
        self, real: float, moment: float, stored: list[StoredSlot], server: Server
    ) -> None:
        if not is_stuck(moment, stored):
            self.stuck_since = None
            return
        self.stuck_since = self.stuck_since or self.local(real)
        if self.local(real) - self.stuck_since > SLOTS_STUCK_AFTER:
            server.slots = {n: one for n, one in server.slots.items() if n <= slot_at(moment)}

    def send(self, real: float, server: Server) -> float:
        """Start what is due, now or after a pause; return the real time afterwards."""
        while self.backlog and real >= self.idle_until:
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
                sender.step(real, server)
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
