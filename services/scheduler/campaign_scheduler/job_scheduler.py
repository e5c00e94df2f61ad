"""The clock of the scheduler: what runs how often. APScheduler ticks and remembers nothing."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Thread
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from campaign_common.outages import Outages


class Job(NamedTuple):
    """Something to do every `seconds`, as long as it succeeds or not."""

    part: str
    work: Callable[[], None]
    seconds: float


class Ticker:
    """Runs jobs side by side; one that is still running when its time comes skips a turn."""

    def __init__(self, jobs: Sequence[Job], outages: Outages) -> None:
        # A skipped turn is the plan, and not worth the warning that it would log.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(len(jobs))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        for part, work, seconds in jobs:
            self._scheduler.add_job(
                outages.attempt,
                "interval",
                (part, work),
                seconds=seconds,
                id=part,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def stop(self, timeout: float) -> None:
        """Stop ticking, and wait up to `timeout` seconds for the jobs that are running."""
        waiting = Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        waiting.join(timeout)
