"""Webhooks between processes: whatever receivers and schedulers do, no event is lost."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests
from standardwebhooks import Webhook

from local_stack.ports import free_port
from tests.support.servers.webhook_receiver import WebhookReceiver, webhook_receiver
from tests.support.services.processes import kill
from tests.support.services.system import System
from tests.support.waiting import wait_until

KIND = "suppression.added"
SLOWNESS = 1.5
"""Seconds that the slow receiver takes to answer."""
LEASE_OVER = "UPDATE webhooks SET lease_until = NOW(6) WHERE lease_until > NOW(6)"
"""The effect of 40 seconds without the scheduler that holds the leases."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8")


class Receivers:
    """Receivers and their webhooks; `private` is at an address that is not permitted."""

    def __init__(self, system: System, stack: ExitStack) -> None:
        self.system = system
        self.secrets: dict[str, str] = {}

        def made(name: str, host: str = "127.0.0.1") -> WebhookReceiver:
            receiver = WebhookReceiver(system.folder, name, free_port(), host)
            return stack.enter_context(webhook_receiver(receiver))

        self.private = made("private", "127.0.0.2")
        self.killed, self.slow, self.gone = made("killed"), made("slow"), made("gone")
        self.redirecting = made("redirecting")
        self.private.start()
        self.killed.start()
        self.slow.start(delay=SLOWNESS)
        self.gone.start(status=410)
        self.redirecting.start(status=307, location=self.private.url)

    def tell_all(self) -> None:
        """Make a webhook for each of them."""
        for receiver in (self.killed, self.slow, self.gone, self.redirecting, self.private):
            wanted = {"url": receiver.url, "kinds": [KIND]}
            answer = requests.post(f"{self.system.url}/v1/webhooks", json=wanted, timeout=10)
            assert answer.status_code == 201, answer.text
            self.secrets[receiver.url] = answer.json()["secret"]

    def require_signatures(self, receiver: WebhookReceiver) -> None:
        for headers, body in receiver.received:
            event = Webhook(self.secrets[receiver.url]).verify(body, headers)
            assert event["type"] == KIND


@contextmanager
def receivers_of(system: System) -> Iterator[Receivers]:
    with ExitStack() as stack:
        yield Receivers(system, stack)


def suppress(system: System, first: int, n: int) -> None:
    """Cause `n` events."""
    for number in range(first, first + n):
        wanted = {"phone": f"+4917612345{number:03}", "scope": "*"}
        answer = requests.post(f"{system.url}/v1/suppressions", json=wanted, timeout=10)
        assert answer.ok, answer.text


def recorded(system: System) -> set[str]:
    kind = f"SELECT event_id FROM outgoing_events WHERE kind = '{KIND}'"
    return {str(event_id) for (event_id,) in system.rows(kind)}


def state(system: System, receiver: WebhookReceiver, column: str) -> object:
    ((found,),) = system.rows(f"SELECT {column} FROM webhooks WHERE url = '{receiver.url}'")
    return found


def results(system: System, receiver: WebhookReceiver) -> set[tuple[object, ...]]:
    return set(
        system.rows(
            "SELECT d.state, d.status, d.error FROM webhook_deliveries d"
            f" JOIN webhooks w ON w.id = d.webhook_id WHERE w.url = '{receiver.url}'"
        )
    )


@pytest.fixture
def system_with_webhooks(system: System) -> System:
    keys = [{"Value": "k" * 32}]
    system.configure(Webhooks={"Keys": keys, "AllowedNetworks": ["127.0.0.1/32"]})
    return system


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_killed_receivers_and_schedulers_lose_no_event(system_with_webhooks: System) -> None:
    """Each event arrives at each receiver that takes any, signed; none at a private address.

    One receiver is killed and starts again, one is slow, one redirects to a private address, one
    is there itself, and one wants no more. A scheduler is killed while it posts.
    """
    system = system_with_webhooks
    with ExitStack() as stack:
        receivers = stack.enter_context(receivers_of(system))
        stack.enter_context(system.run("campaign-api"))
        wait_until(system.is_ready)
        receivers.tell_all()
        first = stack.enter_context(system.run("campaign-scheduler"))
        suppress(system, 0, 2)
        wait_until(lambda: receivers.killed.received)
        receivers.killed.kill()
        suppress(system, 2, 2)
        begun = len(receivers.slow.received)
        wait_until(lambda: len(receivers.slow.received) > begun)
        kill(first)
        in_the_middle = receivers.slow.received[-1].event_id
        receivers.killed.start()
        with system.database.transaction() as cursor:
            cursor.execute(LEASE_OVER)
        stack.enter_context(system.run("campaign-scheduler"))
        events = recorded(system)
        assert len(events) == 4
        for receiver in (receivers.killed, receivers.slow, receivers.redirecting):
            wait_until(lambda each=receiver: each.ids == events)  # type: ignore[misc]
        wait_until(lambda: results(system, receivers.killed) == {("delivered", 204, None)})
        wait_until(lambda: results(system, receivers.slow) == {("delivered", 204, None)})
        posted = [each.event_id for each in receivers.slow.received]
        assert posted.count(in_the_middle) == 2, "what the killed scheduler posted is posted again"
        assert results(system, receivers.redirecting) == {("pending", 307, None)}
        assert results(system, receivers.private) == {("pending", None, "address_refused")}
        assert receivers.private.connections == 0
        assert state(system, receivers.gone, "disabled_reason") == "gone"
        assert len(receivers.gone.received) == 1
        for receiver in (receivers.killed, receivers.slow, receivers.redirecting, receivers.gone):
            receivers.require_signatures(receiver)
