"""Both floors, measured before each repeat, and the ratios of a rate to them."""

import psutil

from benchmarks.floors.bare_loop import PROBE_ROWS
from benchmarks.floors.ledger import ledger_loop
from benchmarks.floors.queue import measure_queue
from benchmarks.results import Run
from benchmarks.site import Site

MOST_ROWS = 300_000
"""Most rows of a floor; its rate does not depend on the size of the campaign."""

MESSAGES, SHARE, COST = "msg/s", "ratio", "µs/msg"

RATE = "rate"
LEDGER, QUEUE, BOTH = "floor of the ledger", "floor of the queue", "both floors in turn"
OF = "rate / "


class Floors:
    """Both floors of a site; the best batch size for its servers is found once."""

    def __init__(self, site: Site, rows: int) -> None:
        self._site = site
        self._rows = min(rows, MOST_ROWS)
        self._ledger = ledger_loop(site, max(self._rows, PROBE_ROWS))

    def measure(self, run: Run) -> None:
        """Note the floors, with no service running."""
        ledger = self._ledger.measure(self._rows)
        queue = measure_queue(self._site, self._rows)
        run.note(LEDGER, ledger.rate, MESSAGES)
        run.note(f"{LEDGER}: rows of a transaction", ledger.batch, "rows")
        run.note(QUEUE, queue.rate, MESSAGES)
        run.note(BOTH, 1 / (1 / ledger.rate + 1 / queue.rate), MESSAGES)
        for floor, processor in ((LEDGER, ledger.processor), (QUEUE, queue.processor)):
            for name, cost in processor.items():
                run.note(f"{floor}: {name}", cost, COST)
        if self._site.servers:  # the processor time of given ones is unknown
            total = sum(ledger.processor.values()) + sum(queue.processor.values())
            cores = psutil.cpu_count() or 1
            run.note("both floors: processor time", total, COST)
            run.note("both floors: rate on all cores", cores * 1e6 / total, MESSAGES)


def compare(run: Run, rate: float) -> None:
    """Note a rate, and its ratios to the floors that were measured before."""
    run.note(RATE, rate, MESSAGES)
    for floor in (LEDGER, QUEUE, BOTH):
        run.note(f"{OF}{floor}", rate / run.figures[floor].value, SHARE)
