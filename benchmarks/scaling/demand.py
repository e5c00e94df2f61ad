"""The load of the rehearsal: a burst, and then small campaigns one after the other."""

from collections.abc import Mapping

from benchmarks.recipients import write_recipients
from benchmarks.site import Site
from benchmarks.system import System

BURST_LIST, TAIL_LIST = 1, 2
"""The campaigns that lists are imported for; they never start."""

TAIL = 2_000
"""Recipients of each campaign after the burst, too few for KEDA to add senders."""


class Demand:
    """The campaigns of the rehearsal; the constructor imports both lists."""

    def __init__(self, site: Site, system: System, burst: int) -> None:
        self._system = system
        self._burst = burst
        self._campaigns: dict[int, int] = {}
        for campaign, recipients in ((BURST_LIST, burst), (TAIL_LIST, TAIL)):
            file = write_recipients(site.csv_root / f"{campaign}.csv", recipients)
            system.import_by_path(file, campaign)

    @property
    def campaigns(self) -> Mapping[int, int]:
        """The recipients of each started campaign by its id."""
        return self._campaigns

    def start_burst(self) -> None:
        """Start the large campaign."""
        self._start(BURST_LIST, self._burst)

    def go_on(self) -> None:
        """Start another small campaign when half of the previous one is sent."""
        if self.left() < TAIL / 2:
            self._start(TAIL_LIST, TAIL)

    def left(self) -> int:
        """Count the recipients without an outcome."""
        return sum(self._campaigns.values()) - self._system.outcomes()

    def wait_for_ends(self) -> None:
        """Wait until every campaign has finished."""
        for campaign in self._campaigns:
            self._system.wait_for_state(campaign)

    def _start(self, imported_for: int, recipients: int) -> None:
        campaign = self._system.draft(self._system.list_of(imported_for))
        self._system.change(campaign, "start")
        self._campaigns[campaign] = recipients
