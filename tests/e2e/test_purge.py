"""`campaign-db purge` beside running services, killed, stopped, and run to its end."""

import subprocess
import threading
from types import TracebackType
from typing import Self

import requests

from campaign_common.database import named_lock
from campaign_common.domain.message import Status
from tests.support.services.processes import installed
from tests.support.services.system import SHARDS, System
from tests.support.waiting import wait_until

OLD = 77
OLD_PEOPLE = 24_000
NEW = 1000000000
NEW_PEOPLE = 5_000
PURGE = ("purge", "--older-than", "90d", "--lists", "--pause", "80ms")

INSERT_OLD = f"""
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, shards,
                       last_seq, total, published_count, created_at, started_at, finished_at)
VALUES ({OLD}, 'old', 'hi', 900, 'at_least_once', 'simulated', 'finished', 1, {SHARDS},
        {OLD_PEOPLE}, {OLD_PEOPLE}, {OLD_PEOPLE}, NOW(6), NOW(6) - INTERVAL 91 DAY,
        NOW(6) - INTERVAL 91 DAY)
"""


class Watcher:
    """Asks for the old campaign all the time, and notes each answer that differs from the last."""

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[int, int]] = []
        self._url = f"{url}/v1/campaigns/{OLD}/progress"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            answer = requests.get(self._url, timeout=10)
            ended = answer.json()["balance"]["final"] if answer.ok else 0
            if (answer.status_code, ended) not in self.answers[-1:]:
                self.answers.append((answer.status_code, ended))


def add_old(system: System) -> None:
    """Leave a campaign as its end 91 days ago has left it."""
    share = OLD_PEOPLE // SHARDS
    with system.database.transaction(timeout=60) as cursor:
        cursor.execute(INSERT_OLD)
        for shard in range(SHARDS):
            seqs = range(shard + 1, OLD_PEOPLE + 1, SHARDS)
            cursor.execute(
                f"INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number,"
                " attempts, sent_at) VALUES "
                + ",".join(f"({OLD},{seq},{Status.SENT:d},0,1,1,NOW(6))" for seq in seqs)
            )
            cursor.execute(
                "INSERT INTO campaign_counters VALUES (%s, %s, %s, %s)",
                (OLD, shard, int(Status.SENT), share),
            )


def left(system: System) -> int:
    tables = " UNION ALL ".join(
        f"SELECT COUNT(*) AS n FROM messages_{shard} WHERE campaign_id = {OLD}"
        for shard in range(SHARDS)
    )
    ((n,),) = system.rows(f"SELECT CAST(SUM(n) AS SIGNED) FROM ({tables}) t")
    return n


def purge(system: System, *words: str) -> "subprocess.CompletedProcess[str]":
    return system.command("campaign-db", *PURGE, *words, "-c", str(system.config))


def test_a_purge_beside_services_is_killed_stopped_and_ended(system: System) -> None:
    add_old(system)
    system.write_csv("".join(f"user{n},{13900000000 + n}\n" for n in range(NEW_PEOPLE)))
    with system.services(), Watcher(system.url) as watcher:
        wait_until(lambda: watcher.answers)
        with named_lock(system.database, "purge", wait=0):
            refused = purge(system)
        assert refused.returncode == 1
        assert "another process holds the lock 'purge'" in refused.stderr
        would = purge(system, "--dry-run")
        assert f"would purge: 1 campaigns with {OLD_PEOPLE:,} messages" in would.stdout
        system.create(NEW, "recipients.csv")
        killed = subprocess.Popen([installed("campaign-db"), *PURGE, "-c", system.config])
        wait_until(lambda: left(system) < OLD_PEOPLE)
        killed.kill()
        killed.wait()
        assert 0 < left(system) < OLD_PEOPLE
        stopped = purge(system, "--time-limit", "50ms")
        assert stopped.returncode == 3
        assert "the next run resumes" in stopped.stdout
        ended = purge(system)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "purged: 1 campaigns" in ended.stdout
        system.wait_until_finished(NEW)
    assert left(system) == 0
    assert watcher.answers == [(200, OLD_PEOPLE), (404, 0)]
    assert set(system.statuses(NEW).values()) == {Status.SENT}
    assert len(system.statuses(NEW)) == NEW_PEOPLE
