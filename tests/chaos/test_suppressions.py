"""People who are suppressed while a campaign runs: promise 6, by the provider's own log."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import requests

from campaign_common.domain.message import Status
from campaign_common.dsn import parse_dsn
from tests.chaos.relay import Relay, relay_to
from tests.chaos.scene import CAMPAIGN, Scene, boot_time
from tests.chaos.test_orders import adds_up
from tests.chaos.test_stopped_senders import ALLOWED
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import kill
from tests.support.waiting import wait_until

ENDS = {Status.SENT, Status.SUPPRESSED, Status.UNKNOWN}

FAILING = Faults(latency=0.2, errors={503: 0.3})
"""Refuses some, so that their messages wait for a retry."""

WATCHED = 2.0
"""Seconds for which the provider's log is watched when no send may start any more."""


class SuppressedPeople:
    """People by phone number, with the time since boot of the acknowledgement."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.acknowledged: dict[str, float] = {}

    def add(self, phones: Sequence[str]) -> None:
        """Suppress people one by one."""
        for phone in phones:
            answer = requests.post(
                f"{self._scene.system.url}/v1/suppressions",
                json={"phone": phone, "reason": "stop"},
                timeout=30,
            )
            assert answer.status_code == 200, answer.text
            self.acknowledged.setdefault(phone, boot_time())

    def add_file(self, phones: Sequence[str]) -> None:
        """Suppress people by one import."""
        answer = requests.post(
            f"{self._scene.system.url}/v1/suppressions.csv",
            data="\n".join(["phone", *phones, ""]),
            headers={"Content-Type": "text/csv"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == len(phones)
        at = boot_time()
        for phone in phones:
            self.acknowledged.setdefault(phone, at)

    def wait(self) -> None:
        """Wait until no send to any of them may start any more, and longer."""
        until = max(self.acknowledged.values()) + ALLOWED + WATCHED
        wait_until(lambda: boot_time() > until)


@pytest.fixture
def relay(scene: Scene) -> Iterator[Relay]:
    """A relay to the scene's database."""
    with relay_to(parse_dsn(scene.system.dsn).port) as relay:
        yield relay


class Trouble:
    """Two senders, one of them behind a relay to the database, and what may happen to them."""

    def __init__(self, scene: Scene, relay: Relay) -> None:
        self._scene = scene
        self._relay = relay
        self.plain = scene.start("campaign-sender")
        self.cut_off = scene.start("campaign-sender", scene.configuration_through(relay.port))
        wait_until(lambda: scene.shards_of(self.plain) and scene.shards_of(self.cut_off))
        self.kinds = (self._stopped, self._without_database, self._killed)

    def claimed(self) -> list[str]:
        """Return people whose messages the two have claimed."""
        seqs = [m.seq for one in (self.plain, self.cut_off) for m in self._scene.claimed_by(one)]
        return [self._scene.phones[seq - 1] for seq in seqs]

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        self.plain.send_signal(signal.SIGSTOP)
        yield
        self.plain.send_signal(signal.SIGCONT)

    @contextmanager
    def _without_database(self) -> Iterator[None]:
        self._relay.freeze()
        yield
        self._relay.thaw()

    @contextmanager
    def _killed(self) -> Iterator[None]:
        kill(self.plain)
        yield
        self.plain = self._scene.start("campaign-sender")
        wait_until(lambda: self._scene.shards_of(self.plain))


def test_nobody_is_sent_anything_after_a_suppression(scene: Scene, relay: Relay) -> None:
    """Nobody is sent anything later than 2 s after a suppression is acknowledged.

    One sender is stopped and woken, one cut off from the database, one killed. People are chosen
    from what these have claimed, from records in Kafka and from those who wait for a retry.
    """
    rounds = scene.scale.choose(3, 12)
    at_once = scene.scale.choose(20, 60)
    scene.provider.set_faults(FAILING)
    scene.start_all(senders=0)
    trouble = Trouble(scene, relay)
    scene.begin(scene.scale.choose(20_000, 100_000))
    people = SuppressedPeople(scene)
    for number, point in enumerate(scene.points(rounds, share=0.4)):
        scene.wait_for_calls(point)
        held = scene.random.sample(trouble.claimed(), at_once)
        with trouble.kinds[number % len(trouble.kinds)]():
            chosen = scene.random.sample(scene.phones, at_once)
            people.add(held + chosen[: at_once // 2])
            people.add_file(chosen[at_once // 2 :])
            people.wait()
        people.wait()
    scene.hurry()
    account = scene.finish()
    scene.found("people suppressed, senders in trouble", account, faults=rounds)
    known = people.acknowledged
    calls = scene.calls_of(CAMPAIGN, generation=0)
    late = [c for c in calls if c.boot > known.get(c.sent.phone, c.boot) + ALLOWED]
    assert not late, f"{len(late)} calls to people who had been suppressed"
    assert account.lost == 0
    assert set(account.counts) <= ENDS
    assert account.counts[Status.SUPPRESSED] > 0
    assert sum(account.counts.values()) - account.counts[Status.SENT] <= len(known)
    assert adds_up(scene)
