"""Changes of webhooks in the name of the client of the current request."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.webhooks import webhook_records
from campaign_api.webhooks.webhook_records import WebhookRecords
from campaign_common.database import Cursor

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

log = structlog.get_logger(__name__)


class WebhookEditor:
    """Changes of webhooks, each made once for its Idempotency-Key.

    Each raises NotFound where there is no such webhook, and RetryLater while the database is
    unavailable.
    """

    def __init__(self, records: WebhookRecords) -> None:
        self.records = records
        self._transactions = RetryingTransactions(records.database, RETRY_SECONDS)

    def create(self, wanted: Mapping[str, Any]) -> int:
        """Make a webhook with a new secret; return its id.

        Raises:
            TooManyWebhooks: there are as many as there may be.
            WebhookKeyMissing: there is no key to encrypt the secret with.
        """
        secret = self.records.encrypted_secret()
        work = partial(webhook_records.create, wanted=wanted, secret=secret, actor=caller().name)
        made: int = self._run(work)
        log.info("webhook created", webhook=made, key=caller().name)
        return made

    def change(self, webhook_id: int, changes: Mapping[str, Any]) -> None:
        """Change URL, kinds or state of a webhook."""
        self._run(
            partial(
                webhook_records.change, webhook_id=webhook_id, changes=changes, actor=caller().name
            )
        )
        log.info("webhook changed", webhook=webhook_id, key=caller().name)

    def delete(self, webhook_id: int) -> None:
        """Delete a webhook and the log of its deliveries."""
        self._run(partial(webhook_records.delete, webhook_id=webhook_id, actor=caller().name))
        log.info("webhook deleted", webhook=webhook_id, key=caller().name)

    def rotate(self, webhook_id: int) -> None:
        """Replace the secret of a webhook; for a time the one before signs, too.

        Raises:
            WebhookKeyMissing: there is no key to encrypt the secret with.
        """
        secret = self.records.encrypted_secret()
        self._run(
            partial(
                webhook_records.rotate, webhook_id=webhook_id, secret=secret, actor=caller().name
            )
        )
        log.info("webhook secret rotated", webhook=webhook_id, key=caller().name)

    def test(self, webhook_id: int) -> int:
        """Have a test event delivered; return the id of the delivery."""
        made: int = self._run(partial(webhook_records.add_test, webhook_id=webhook_id))
        log.info("webhook tested", webhook=webhook_id, key=caller().name)
        return made

    def redeliver(self, webhook_id: int, delivery_id: int) -> None:
        """Have an event delivered once more.

        Raises:
            NotFound: there is no such delivery, or none any more.
        """
        self._run(
            partial(webhook_records.deliver_again, webhook_id=webhook_id, delivery_id=delivery_id)
        )
        log.info("webhook redelivery", webhook=webhook_id, delivery=delivery_id, key=caller().name)

    def _run(self, work: Callable[[Cursor], Any]) -> Any:  # noqa: ANN401 - what the work returns
        return idempotent_request().run_once(self._transactions, work)
