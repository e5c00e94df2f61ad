"""Delivery of events to webhooks, at least once each, and one at a time to each of them."""

from collections.abc import Callable
from functools import partial
from threading import BoundedSemaphore, Event, Lock, Thread
from time import monotonic
from typing import TypeVar

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.events.delivery_retries import DeliveryState
from campaign_common.errors import SettingsError
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.settings import WebhooksSettings
from campaign_common.store.webhooks.deliveries import delete_old_deliveries, share_events
from campaign_common.store.webhooks.due_deliveries import (
    GONE_REASON,
    DeliveryResult,
    DueDelivery,
    end_try,
    release_webhook,
    take_next,
    webhooks_with_due,
)
from campaign_common.store.webhooks.providers_left_alone import note_providers
from campaign_providers.webhooks.webhook_request import SignedEvent, event_body, post
from campaign_providers.webhooks.webhook_secrets import SecretKeyMissing, WebhookSecrets
from campaign_scheduler.metrics import WEBHOOK_TRIES

DELIVERY_INTERVAL = 1.0
"""Seconds between two looks for events, and for deliveries that are due."""

DELETE_INTERVAL = 60.0
"""Seconds between two deletions of old events and deliveries."""

EVENTS_AT_ONCE = 500
ROWS_AT_ONCE = 5_000
"""Rows of one transaction; small, so that their locks are short."""

CONNECTIONS = 2
"""Connections to the database that all deliveries use together; campaigns need the others."""

SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason, and no secret
URL_UNUSABLE = "url_unusable"
CA_FILE_UNREADABLE = "ca_file_unreadable"

T = TypeVar("T")

_log = structlog.get_logger()


class WebhookDeliverer:
    """Deliverer with a thread for each webhook that has something due; none waits for another.

    A scheduler leases the webhook before each try. One that is lost is replaced when its lease is
    over, and what it was posting is posted again under the same id.
    """

    def __init__(
        self,
        database: Database,
        settings: WebhooksSettings,
        owner: str,
        stopping: Event,
        outages: OutageLog,
    ) -> None:
        self._database = database
        self._settings = settings
        self._secrets = WebhookSecrets(settings)
        self._owner = owner
        self._stopping = stopping
        self._outages = outages
        self._connections = BoundedSemaphore(CONNECTIONS)
        self._lock = Lock()
        self._busy: set[int] = set()

    def look(self) -> None:
        """Note changes of providers, share new events, and start what is due.

        Raises:
            RetryLater: the database is down.
        """
        self._database.run(note_providers)
        while self._database.run(partial(share_events, limit=EVENTS_AT_ONCE)) == EVENTS_AT_ONCE:
            pass
        with self._database.reading() as cursor:
            due = webhooks_with_due(cursor)
        for webhook_id in due:
            self._start(webhook_id)

    def delete_old(self) -> None:
        """Delete events and deliveries that are too old, and deliveries of deleted webhooks.

        Raises:
            RetryLater: the database is down.
        """
        delete = partial(delete_old_deliveries, limit=ROWS_AT_ONCE)
        while self._database.run(delete) >= ROWS_AT_ONCE and not self._stopping.is_set():
            pass

    def _start(self, webhook_id: int) -> None:
        with self._lock:
            if webhook_id in self._busy:
                return
            self._busy.add(webhook_id)
        Thread(
            target=self._work_off, args=(webhook_id,), name=f"webhook-{webhook_id}", daemon=True
        ).start()

    def _work_off(self, webhook_id: int) -> None:
        try:
            self._outages.run("webhook deliveries", partial(self._deliver_due, webhook_id))
        finally:
            with self._lock:
                self._busy.discard(webhook_id)

    def _deliver_due(self, webhook_id: int) -> None:
        while not self._stopping.is_set():
            due = self._run(partial(take_next, webhook_id=webhook_id, owner=self._owner))
            if due is None:
                break
            result = self._try(due)
            state = self._run(partial(end_try, delivery=due, result=result, owner=self._owner))
            WEBHOOK_TRIES.labels(state.value).inc()
            _log_try(due, result, state)
        self._run(partial(release_webhook, webhook_id=webhook_id, owner=self._owner))

    def _try(self, due: DueDelivery) -> DeliveryResult:
        webhook = due.webhook
        stored = [webhook.secret, webhook.previous_secret]
        try:
            secrets = [self._secrets.decrypt(each) for each in stored if each is not None]
        except SecretKeyMissing as error:
            self._outages.failed("webhook secrets", error)
            return DeliveryResult(None, SECRET_UNREADABLE, 0.0)
        self._outages.recovered("webhook secrets")
        event = SignedEvent(due.event_id, event_body(due.kind, due.at, due.data))
        began = monotonic()
        try:
            answer = post(self._settings, webhook.url, secrets, event)
        except ValueError:  # such as a name that no name server can be asked for
            return DeliveryResult(None, URL_UNUSABLE, monotonic() - began)
        except SettingsError as error:
            self._outages.failed("webhook authorities", error)
            return DeliveryResult(None, CA_FILE_UNREADABLE, 0.0)
        seconds = monotonic() - began
        if answer.response is None:
            return DeliveryResult(None, answer.failure, seconds)
        return DeliveryResult(answer.response.status, None, seconds)

    def _run(self, work: Callable[[Cursor], T]) -> T:
        with self._connections:
            return self._database.run(work)


def _log_try(due: DueDelivery, result: DeliveryResult, state: DeliveryState) -> None:
    """Log a try that failed; the URL may hold a secret, and is left out."""
    if state is DeliveryState.DELIVERED:
        return
    log = _log.warning if state is DeliveryState.GIVEN_UP else _log.info
    log(
        "webhook delivery failed",
        webhook=due.webhook.id,
        delivery=due.id,
        event_id=due.event_id,
        status=result.status,
        error=result.error,
        state=state.value,
    )
    if result.status == 410:
        _log.warning("webhook disabled", webhook=due.webhook.id, reason=GONE_REASON)
