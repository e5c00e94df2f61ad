"""Queues of messages whose campaigns have a rate, with grants that the test gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery import campaign_grant_queue
from campaign_sender.delivery.campaign_grant_queue import CampaignGrantQueue
from campaign_sender.limiting.slot_lease import Taken
from campaign_sender.message import Message
from tests.unit.sender.messages import message

SLOW = CampaignId(1)


@dataclass
class Rate:
    """Grants that are due, in place of a lease."""

    units: int = 0
    next: float | None = 0.01
    asked: int = 0
    known: int = 100
    """Grants that are due in the next seconds."""

    def take(self, messages: int) -> Taken | None:
        self.asked += 1
        taken = min(messages, self.units)
        self.units -= taken
        return Taken(taken, 7.0) if taken else None

    def claimable(self, seconds: float, waiting: int) -> int:  # noqa: ARG002 - as a lease's
        return self.known - waiting

    def next_in(self) -> float | None:
        return self.next


class Bench:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(campaign_grant_queue, "boot_time", lambda: self.now)
        self.rates = {SLOW: Rate()}
        self.unsendable: set[int] = set()
        self.rests = False
        self.started: list[Message] = []
        self.reported: list[SendResult[Message]] = []
        self.queue = CampaignGrantQueue(
            lambda: self.rates,  # type: ignore[arg-type, return-value]
            self._check,
            self._submit,
            lambda: self.rests,
            self.reported.extend,
        )

    def add(self, count: int) -> list[Message]:
        messages = [message(seq, campaign_id=SLOW) for seq in range(1, count + 1)]
        self.queue.add(SLOW, messages)
        return messages

    def grant(self, units: int) -> None:
        """Grant units that are due, and look."""
        self.rates[SLOW].units = units
        self.queue.note_grants([SLOW])
        self.queue.start_due()

    def look_later(self) -> None:
        self.now += 1.0
        self.queue.start_due()

    def _check(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [SendStatus.STALE if m.record.seq in self.unsendable else None for m in messages]

    def _submit(self, messages: Sequence[Message], *, first: bool) -> None:
        assert first
        self.started += messages


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_messages_start_by_the_grants_of_their_rate(bench: Bench) -> None:
    bench.rates[SLOW].units = 2
    slow = bench.add(4)
    assert bench.started == slow[:2]
    assert [one.rate_until for one in slow] == [7.0, 7.0, 0.0, 0.0]
    assert bench.queue.waiting_of(SLOW) == len(bench.queue) == 2
    assert bench.queue.next_in() == pytest.approx(0.01)
    bench.grant(9)
    assert bench.started == slow
    assert bench.queue.next_in() is None


def test_only_messages_of_campaigns_with_a_rate_wait(bench: Bench) -> None:
    assert bench.queue.takes(SLOW)
    assert not bench.queue.takes(CampaignId(2))


def test_what_must_not_be_sent_does_not_wait_for_a_grant(bench: Bench) -> None:
    first, second = bench.add(2)
    bench.unsendable = {1}
    bench.look_later()
    assert [(r.message, r.status) for r in bench.reported] == [(first, SendStatus.STALE)]
    bench.grant(2)
    assert bench.started == [second]


def test_what_has_no_grant_in_sight_leaves_the_claim(bench: Bench) -> None:
    """Twice in a row, since grants come and go between slots; as after a rate was lowered."""
    slow = bench.add(5)
    bench.rates[SLOW].known = 2
    bench.look_later()
    assert bench.reported == []
    bench.look_later()
    assert {(r.message.seq, r.status) for r in bench.reported} == {
        (one.seq, SendStatus.NOT_GRANTED) for one in slow[2:]
    }
    assert bench.queue.waiting_of(SLOW) == 2


def test_a_campaign_whose_rate_was_lifted_waits_for_nothing(bench: Bench) -> None:
    slow = bench.add(2)
    bench.rates = {}
    bench.queue.start_due()
    assert bench.started == slow


def test_a_resting_provider_refuses_what_waits(bench: Bench) -> None:
    """The rest ends what waits in the provider's way: messages go back without an attempt."""
    bench.rests = True
    assert bench.add(2) == bench.started


@pytest.mark.parametrize(("next_in", "asked"), [(None, 1), (3.0, 1), (0.5, 2)])
def test_a_campaign_is_looked_at_when_its_grant_is_due(
    bench: Bench, next_in: float | None, asked: int
) -> None:
    """Not with each grant of others; one without grants when it has some."""
    bench.rates[SLOW].next = next_in
    bench.add(1)
    for _ in range(9):
        bench.now += 0.1
        bench.queue.start_due()
    assert bench.rates[SLOW].asked == asked
    bench.grant(1)
    assert len(bench.started) == 1
    assert bench.queue.next_in() is None
