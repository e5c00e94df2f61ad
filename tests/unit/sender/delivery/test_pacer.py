"""The pacer's thread over the queue of a limited provider."""

import threading

import pytest

from campaign_sender.delivery import pacer
from campaign_sender.delivery.pacer import Pacer
from tests.support.waiting import wait_until
from tests.unit.sender.delivery.test_provider_grant_queue import Bench, Grants, messages_of


def test_the_pacer_starts_what_came_while_it_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer, "IDLE_WAIT", 60.0)
    grants = Grants()
    bench = Bench(grants)
    looked = threading.Event()
    grants.next_in = lambda: looked.set() or 0.0  # type: ignore[method-assign,func-returns-value]
    paced = Pacer([bench.queue], lambda: None)
    paced.start()
    try:
        bench.queue.submit(messages_of(1))
        assert looked.wait(10)
        grants.units = 1
        wait_until(lambda: len(bench.started) == 1)
    finally:
        paced.stop()
