"""Tables of limits in memory, on a clock that the test moves, in place of a database server's."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import pytest

from campaign_common.domain.limits.planning import BLANK_SLOTS, StoredSlot, slot_at
from campaign_common.domain.limits.slots import SlotDemand
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.limits.live_limits import LiveLimits, LiveRead
from campaign_common.store.limits.server_time import ServerTime
from campaign_common.store.limits.slot_leases import SlotsRead
from campaign_sender.limiting import day_lease, limit_leases, slot_lease

BEGIN = 1_796_000_000.0
"""Server's time at the beginning, in seconds since 1970."""

ROUND_TRIP = 0.001


@dataclass
class Tables:
    """Rows of the tables of limits; `now` is the clock of all senders."""

    now: float = 1_000.0
    days: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    slots: dict[int, StoredSlot] = field(default_factory=dict)
    demands: dict[str, SlotDemand] = field(default_factory=dict)
    live: dict[str, LiveLimits] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    is_down: bool = False

    @classmethod
    def patched(cls, patch: pytest.MonkeyPatch) -> "Tables":
        """Have the leases use new tables."""
        tables = cls()
        for name in ("take_of_day", "return_of_day"):
            patch.setattr(day_lease, name, getattr(tables, name))
        for name in ("read_slots", "state_demand", "insert_slot", "take_spare"):
            patch.setattr(slot_lease, name, getattr(tables, name))
        for name in ("sweep_slots", "delete_ahead"):
            patch.setattr(slot_lease, name, lambda *_: None)
        patch.setattr(limit_leases, "read_all_live", tables.read_all_live)
        patch.setattr(limit_leases, "forget_demand", lambda *_: None)
        patch.setattr(limit_leases, "read_in_use", lambda *_: limit_leases.NOTHING_ELSE)
        return tables

    @property
    def moment(self) -> float:
        """Server's time."""
        return BEGIN + self.now

    def clock(self) -> float:
        """Return the clock of all senders."""
        return self.now

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Stand for a session of the database."""
        if self.is_down:
            raise DatabaseUnavailable("down")
        yield

    transaction = reading

    def take_of_day(self, _: object, __: object, day: date, *, wanted: int, per_day: int) -> int:
        """Take units, as `store.limits.days` does."""
        self.statements.append("take of day")
        taken = min(wanted, max(0, per_day - self.days[day]))
        self.days[day] += taken
        return taken

    def return_of_day(self, _: object, __: object, day: date, units: int) -> None:
        """Return units."""
        self.days[day] -= units

    def read_slots(self, _: object, __: object, *, shares_after: int = 0) -> SlotsRead:  # noqa: ARG002
        """Read slots, with the time."""
        self.statements.append("read slots")
        moment = self.moment - ROUND_TRIP / 2
        present = slot_at(moment)
        stored = [one for slot, one in sorted(self.slots.items()) if slot > present - BLANK_SLOTS]
        return SlotsRead(moment, "one", stored, dict(self.demands))

    def state_demand(self, _: object, __: object, sender: str, demand: SlotDemand) -> None:
        """State what a sender wants."""
        self.demands[sender] = demand

    def insert_slot(self, _: object, provider: str, planned: StoredSlot, version: int) -> bool:
        """Insert a slot, by limits that hold."""
        self.statements.append("insert slot")
        live = self.live.get(provider)
        if planned.plan.slot in self.slots or version != (live.version if live else 0):
            return False
        self.slots[planned.plan.slot] = planned
        return True

    def take_spare(self, _: object, __: object, slot: int, offered: range, wanted: int) -> range:
        """Take spare grants."""
        stored = self.slots[slot]
        first = max(stored.spare_taken, offered.start)
        taken = range(first, max(first, min(first + wanted, offered.stop)))
        self.slots[slot] = stored._replace(spare_taken=taken.stop)
        return taken

    def read_all_live(self, _: object) -> LiveRead:
        """Read live limits."""
        return LiveRead(ServerTime(self.moment, "one"), dict(self.live))
