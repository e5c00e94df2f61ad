"""Threads of a service outlive what they meet, or end their process with a line of the log."""

import threading
from itertools import count

import pytest
from pymysql.err import DataError
from structlog.testing import capture_logs

from campaign_common.errors import DatabaseRefused, DatabaseUnavailable, StatementRefused
from campaign_common.runtime import periodic_thread
from campaign_common.runtime.periodic_thread import (
    IndispensableThread,
    PeriodicThread,
    ThreadedPart,
)

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic_thread, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(periodic_thread, "LONGEST_PAUSE", 0.001)


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (DatabaseUnavailable("away"), "dependency unavailable"),
        (DatabaseRefused("Access denied (error 1045)"), "dependency unavailable"),
        (StatementRefused("safe update mode (error 1175)"), "dependency unavailable"),
        (DataError(1406, "Data too long"), "unexpected failure"),
        (ValueError("bug"), "unexpected failure"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_work_that_fails_is_done_again(error: Exception, event: str) -> None:
    turns = count(1)
    succeeded = threading.Event()

    def work() -> None:
        if next(turns) <= 3:
            raise error
        succeeded.set()

    with capture_logs() as lines, PeriodicThread("part", 0.001, work):
        assert succeeded.wait(PATIENCE)
    assert [line["event"] for line in lines[:2]] == [event, "dependency recovered"]
    assert lines[0]["component"] == "part"


def test_work_may_begin_at_once_and_end_with_a_last_step() -> None:
    done: list[str] = []
    begun = threading.Event()

    def work() -> None:
        done.append("work")
        begun.set()

    thread = PeriodicThread("part", 3600.0, work, at_once=True, at_end=lambda: done.append("end"))
    thread.start()
    assert begun.wait(PATIENCE)
    thread.stop()
    assert done == ["work", "end"]


def test_work_waits_for_its_first_interval_and_is_stopped_in_it() -> None:
    done: list[str] = []
    with PeriodicThread("part", 3600.0, lambda: done.append("work")):
        pass
    assert done == []


def test_a_thread_that_a_process_rests_on_ends_it_with_a_line() -> None:
    failed = threading.Event()

    def work() -> None:
        raise ValueError("bug")

    with capture_logs() as lines:
        thread = IndispensableThread("recorder", work, failed.set)
        thread.start()
        thread.join(PATIENCE)
    assert failed.is_set()
    assert not thread.alive
    ((event, level, name),) = [(one["event"], one["log_level"], one["thread"]) for one in lines]
    assert (event, level) == ("required thread failed", "critical")
    assert name == "recorder"


def test_a_thread_that_is_stopped_has_not_failed() -> None:
    failed = threading.Event()
    stop = threading.Event()
    with capture_logs() as lines:
        thread = IndispensableThread("recorder", stop.wait, failed.set)
        thread.start()
        assert thread.alive
        stop.set()
        thread.join(PATIENCE)
    assert (thread.alive, failed.is_set(), lines) == (False, False, [])


def test_a_part_lives_as_long_as_all_of_its_threads() -> None:
    stops = threading.Event(), threading.Event()
    threads = [IndispensableThread(f"part-{n}", stop.wait) for n, stop in enumerate(stops)]
    part = ThreadedPart(*threads)
    part.start()
    assert part.alive
    stops[0].set()
    threads[0].join(PATIENCE)
    assert not part.alive
    assert threads[1].alive
    stops[1].set()
    threads[1].join(PATIENCE)
