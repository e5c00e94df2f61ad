"""Native threads, shared by keys."""

import threading
from collections.abc import Iterator

import gevent
import pytest

from campaign_api.serving.threads import LONG_ANSWERS, Threads, TooMuchWork

SOON = 10.0
"""Seconds after which a test gives up."""


class Held:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.let_go = threading.Event()

    def work(self) -> str:
        self.started.set()
        assert self.let_go.wait(SOON)
        return "done"


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.let_go.set()


def until_started(held: Held) -> None:
    with gevent.Timeout(SOON):
        while not held.started.is_set():
            gevent.sleep(0.001)


def test_another_key_finds_a_thread_while_one_key_waits(held: Held) -> None:
    threads = Threads(2, share=1, most_waiting=10)
    first = gevent.spawn(threads.run, "a", held.work)
    until_started(held)
    second = gevent.spawn(threads.run, "a", lambda: "later")
    with gevent.Timeout(SOON):
        assert threads.run("b", lambda: "at once") == "at once"
    assert not second.ready()
    held.let_go.set()
    assert [first.get(timeout=SOON), second.get(timeout=SOON)] == ["done", "later"]


def test_requests_beyond_those_that_may_wait_are_refused(held: Held) -> None:
    threads = Threads(2, share=1, most_waiting=0)
    first = gevent.spawn(threads.run, "a", held.work)
    until_started(held)
    with pytest.raises(TooMuchWork):
        threads.run("a", lambda: "never")
    assert threads.run("b", lambda: "at once") == "at once"
    held.let_go.set()
    assert first.get(timeout=SOON) == "done"
    assert threads.run("a", lambda: "again") == "again"


def test_what_work_raises_is_raised() -> None:
    threads = Threads(1, share=1, most_waiting=0)
    with pytest.raises(ZeroDivisionError):
        threads.run("a", lambda: 1 // 0)
    assert threads.run("a", lambda: "again") == "again"


def test_parts_are_produced_while_few_are_on_their_way() -> None:
    threads = Threads(1, share=1, most_waiting=10)
    for _ in range(2):
        threads.run("a", lambda: "part", is_part=True)
    third = gevent.spawn(threads.run, "a", lambda: "part", is_part=True)
    gevent.sleep(0)
    assert not third.ready()
    threads.parts.release()
    assert third.get(timeout=SOON) == "part"


def test_few_long_answers_go_on_at_a_time(held: Held) -> None:
    """Short work finds a thread beside them."""
    threads = Threads(LONG_ANSWERS + 2, share=LONG_ANSWERS + 2, most_waiting=10)
    going_on = [
        gevent.spawn(threads.run, "a", held.work, goes_on=True) for _ in range(LONG_ANSWERS)
    ]
    until_started(held)
    next_one = gevent.spawn(threads.run, "a", lambda: "later", goes_on=True)
    with gevent.Timeout(SOON):
        assert threads.run("a", lambda: "at once") == "at once"
    assert not next_one.ready()
    held.let_go.set()
    gevent.joinall([*going_on, next_one], timeout=SOON)
    assert next_one.value == "later"
