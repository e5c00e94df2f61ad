"""Scheduler of jobs at fixed intervals, on APScheduler; no job is stored."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Thread
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from campaign_common.runtime.outage_log import OutageLog


class Job(NamedTuple):
    """A function that runs every `interval` seconds, after a failure too.

    `name` stands in the log of outages and in the metrics.
    """

    name: str
    run: Callable[[], None]
    interval: float


class JobScheduler:
    """Scheduler with a thread for each job; a job that is still running skips a turn."""

    def __init__(self, jobs: Sequence[Job], outages: OutageLog) -> None:
        # APScheduler logs a warning for each skipped turn, which is expected here.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(len(jobs))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        for name, run, interval in jobs:
            self._scheduler.add_job(
                outages.run,
                "interval",
                (name, run),
                seconds=interval,
                id=name,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Start every job at once, and again at its intervals."""
        self._scheduler.start()

    def stop(self, timeout: float) -> None:
        """Start no more jobs, and wait up to `timeout` seconds for those that are running."""
        waiting = Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        waiting.join(timeout)
