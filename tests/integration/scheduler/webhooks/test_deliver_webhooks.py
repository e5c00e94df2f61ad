"""Events reach webhooks at least once, signed, and nothing but the URL that was given."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from standardwebhooks import Webhook

from campaign_common.database import Database
from campaign_common.domain.events.event_kind import EventKind
from campaign_common.dsn import parse_dsn
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.settings import MysqlSettings, WebhooksSettings
from campaign_common.settings.declaration import schema_of
from campaign_common.store.core.outgoing_events import record_event
from campaign_common.store.webhooks.deliveries import deliver_again, share_events
from campaign_common.store.webhooks.due_deliveries import take_next
from campaign_common.store.webhooks.webhooks import insert_webhook, rotate_secret
from campaign_providers.webhooks.webhook_secrets import WebhookSecrets, new_secret
from campaign_scheduler.jobs.deliver_webhooks import WebhookDeliverer
from tests.integration.scheduler.webhooks.receiver import Receiver, answering, running_receiver
from tests.support.waiting import wait_until

KEY = {"Keys": [{"Value": "k" * 32}]}
LOCAL: WebhooksSettings = schema_of(WebhooksSettings)().load(
    {**KEY, "AllowedNetworks": ["127.0.0.0/8"]}
)
PUBLIC_ONLY: WebhooksSettings = schema_of(WebhooksSettings)().load(KEY)


class Scene:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.secrets: dict[int, str] = {}

    def webhook(self, url: str, kinds: list[str] | None = None) -> int:
        secret = new_secret()
        stored = WebhookSecrets(LOCAL).encrypt(secret)
        made = self.database.run(
            lambda cursor: insert_webhook(cursor, url, kinds, stored, "ann", enabled=True)
        )
        self.secrets[made] = secret
        return made

    def record(self, n: int = 1, kind: EventKind = EventKind.LIST_IMPORTED) -> None:
        for number in range(n):
            self.database.run(
                partial(record_event, kind=kind, data={"list_id": number})  # type: ignore[arg-type]
            )

    def deliverer(self, settings: WebhooksSettings = LOCAL, owner: str = "one") -> WebhookDeliverer:
        return WebhookDeliverer(self.database, settings, owner, Event(), OutageLog())

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.reading() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def change(self, statement: str) -> None:
        with self.database.transaction() as cursor:
            cursor.execute(statement)

    def states(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT state, status, error FROM webhook_deliveries ORDER BY id")

    def idle(self) -> bool:
        return not self.rows("SELECT 1 FROM webhooks WHERE lease_until > NOW(6)")


@pytest.fixture
def scene(migrated_schema: Callable[[int], str]) -> Iterator[Scene]:
    database = Database(MysqlSettings(dsn=parse_dsn(migrated_schema(2))))
    yield Scene(database)
    database.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as made:
        yield made


def tried(scene: Scene, n: int) -> bool:
    return scene.rows("SELECT COALESCE(SUM(tries), 0) FROM webhook_deliveries") == [(n,)]


def test_each_event_arrives_signed_one_at_a_time(scene: Scene, receiver: Receiver) -> None:
    """Two schedulers look at once; each event is posted once, and none beside another."""
    made = scene.webhook(receiver.url, ["list.imported"])
    scene.record(20)
    scene.record(1, EventKind.INBOUND_RECEIVED)
    for owner in ("one", "two"):
        scene.deliverer(owner=owner).look()
    wait_until(lambda: tried(scene, 20))
    assert len(receiver.requests) == len(set(receiver.ids)) == 20
    assert receiver.most_at_once == 1
    for headers, body in receiver.requests:
        assert Webhook(scene.secrets[made]).verify(body, headers)["type"] == "list.imported"
    assert set(scene.states()) == {("delivered", 204, None)}


def test_both_secrets_sign_after_a_rotation(scene: Scene, receiver: Receiver) -> None:
    made = scene.webhook(receiver.url)
    newer = new_secret()
    stored = WebhookSecrets(LOCAL).encrypt(newer)
    scene.database.run(lambda cursor: rotate_secret(cursor, made, stored, "ann"))
    scene.record()
    scene.deliverer().look()
    wait_until(lambda: tried(scene, 1))
    ((headers, body),) = receiver.requests
    for secret in (scene.secrets[made], newer):
        Webhook(secret).verify(body, headers)


def test_a_failed_delivery_keeps_its_id(scene: Scene, receiver: Receiver) -> None:
    made = scene.webhook(receiver.url)
    receiver.answer = answering(500)
    scene.record()
    scene.deliverer().look()
    wait_until(lambda: tried(scene, 1) and scene.idle(), 10)
    assert scene.states() == [("pending", 500, None)]
    ((delivery, due_in),) = scene.rows(
        "SELECT id, TIMESTAMPDIFF(SECOND, tried_at, due_at) FROM webhook_deliveries"
    )
    assert due_in == 5
    receiver.answer = answering(204)
    scene.database.run(lambda cursor: deliver_again(cursor, made, delivery))
    scene.deliverer().look()
    wait_until(lambda: tried(scene, 2))
    assert len(set(receiver.ids)) == 1
    assert receiver.requests[0][1] == receiver.requests[1][1]


def test_a_410_disables_the_webhook(scene: Scene, receiver: Receiver) -> None:
    scene.webhook(receiver.url)
    receiver.answer = answering(410)
    scene.record(3)
    scene.deliverer().look()
    wait_until(lambda: tried(scene, 1))
    wait_until(lambda: scene.rows("SELECT enabled, disabled_reason FROM webhooks") == [(0, "gone")])
    by = "SELECT actor FROM webhook_changes WHERE kind = 'disabled'"
    assert scene.rows(by) == [("one",)]
    scene.deliverer().look()
    assert len(receiver.requests) == 1


def test_a_redirect_is_not_followed(scene: Scene, receiver: Receiver) -> None:
    with running_receiver() as inner:
        receiver.answer = answering(302, Location=inner.url)
        scene.webhook(receiver.url)
        scene.record()
        scene.deliverer().look()
        wait_until(lambda: tried(scene, 1))
        assert scene.states() == [("pending", 302, None)]
        assert not inner.requests


def test_a_private_address_is_never_connected_to(scene: Scene, receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        scene.webhook(f"http://{host}:{port}")
    scene.record()
    scene.deliverer(PUBLIC_ONLY).look()
    wait_until(lambda: tried(scene, 3))
    assert set(scene.states()) == {("pending", None, "address_refused")}
    assert not receiver.requests


def test_an_unreadable_ca_file_is_a_failed_try(scene: Scene) -> None:
    """It is logged with the delivery, which is tried again when the file is back."""
    scene.webhook("https://127.0.0.1:9/events")
    scene.record()
    missing = replace(LOCAL, ca_file=Path("/nowhere/authorities.pem"))
    scene.deliverer(missing).look()
    wait_until(lambda: tried(scene, 1))
    assert scene.states() == [("pending", None, "ca_file_unreadable")]


def test_a_slow_or_dead_receiver_delays_no_other(scene: Scene, receiver: Receiver) -> None:
    """The job itself does not wait for a receiver either."""
    released = Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        released.wait(20)

    with running_receiver() as slow:
        slow.answer = answer
        scene.webhook(slow.url)
        scene.webhook("http://127.0.0.1:9/dead")
        scene.webhook(receiver.url)
        scene.record(5)
        scene.deliverer().look()
        wait_until(lambda: len(receiver.requests) == 5)
        assert len(slow.requests) == 1
        released.set()


def test_a_lost_scheduler_is_replaced(scene: Scene, receiver: Receiver) -> None:
    """The event that it was posting is posted again under the same id once its lease is over."""
    made = scene.webhook(receiver.url)
    scene.record()
    scene.database.run(partial(share_events, limit=10))
    lost = scene.database.run(lambda cursor: take_next(cursor, made, "lost"))
    assert lost is not None
    scene.deliverer().look()
    assert scene.states() == [("pending", None, None)]
    assert not receiver.requests
    scene.change("UPDATE webhooks SET lease_until = NOW(6)")
    scene.deliverer().look()
    wait_until(lambda: tried(scene, 1))
    assert receiver.ids == [lost.event_id]
