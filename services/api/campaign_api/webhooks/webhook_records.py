"""Webhooks as the API makes, changes and describes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from campaign_api.errors import NotFound, TooManyWebhooks, WebhookKeyMissing
from campaign_common.database import Cursor, Database
from campaign_common.store.webhooks import deliveries as log
from campaign_common.store.webhooks import webhooks as store
from campaign_common.store.webhooks.deliveries import WebhookDelivery
from campaign_common.store.webhooks.webhooks import Webhook
from campaign_providers.webhooks import webhook_secrets
from campaign_providers.webhooks.webhook_secrets import WebhookSecrets, new_secret

MOST_WEBHOOKS = 20
"""Each may take a thread of a scheduler."""


class WebhookRecords:
    """Webhooks of the database, with their secrets."""

    def __init__(self, database: Database, secrets: WebhookSecrets) -> None:
        self.database = database
        self._secrets = secrets

    def all(self) -> list[dict[str, Any]]:
        """Describe all webhooks, the oldest first, without their secrets."""
        with self.database.reading() as cursor:
            return [described(webhook) for webhook in store.read_webhooks(cursor)]

    def one(self, webhook_id: int) -> dict[str, Any]:
        """Describe a webhook, without its secret.

        Raises:
            NotFound: there is none of this id.
        """
        with self.database.reading() as cursor:
            return described(_required(cursor, webhook_id))

    def with_secret(self, webhook_id: int) -> dict[str, Any]:
        """Describe a webhook, with its secret.

        Raises:
            NotFound: there is none of this id.
            WebhookKeyMissing: the secret can not be decrypted.
        """
        with self.database.reading() as cursor:
            webhook = _required(cursor, webhook_id)
        try:
            return {**described(webhook), "secret": self._secrets.decrypt(webhook.secret)}
        except webhook_secrets.SecretKeyMissing as error:
            raise WebhookKeyMissing(str(error)) from error

    def encrypted_secret(self) -> str:
        """Make a secret, and return it as it is stored.

        Raises:
            WebhookKeyMissing: there is no key to encrypt it with.
        """
        try:
            return self._secrets.encrypt(new_secret())
        except webhook_secrets.SecretKeyMissing as error:
            raise WebhookKeyMissing(str(error)) from error

    def page(self, webhook_id: int, *, before_id: int, limit: int) -> list[dict[str, Any]]:
        """Describe deliveries of a webhook, the newest first.

        Raises:
            NotFound: there is no webhook of this id.
        """
        with self.database.reading() as cursor:
            _required(cursor, webhook_id)
            found = log.read_deliveries(cursor, webhook_id, before_id=before_id, limit=limit)
        return [_in_utc(each._asdict()) for each in found]

    def delivery(self, webhook_id: int, delivery_id: int) -> dict[str, Any]:
        """Describe a delivery.

        Raises:
            NotFound: there is none of this id, or none any more.
        """
        with self.database.reading() as cursor:
            return _in_utc(_required_delivery(cursor, webhook_id, delivery_id)._asdict())


def create(cursor: Cursor, wanted: Mapping[str, Any], secret: str, actor: str) -> int:
    """Store a webhook; return its id.

    Raises:
        TooManyWebhooks: there are as many as there may be.
    """
    if store.count_webhooks(cursor) >= MOST_WEBHOOKS:
        raise TooManyWebhooks(f"there are {MOST_WEBHOOKS} webhooks already; delete one")
    return store.insert_webhook(
        cursor, wanted["url"], wanted["kinds"], secret, actor, enabled=wanted["enabled"]
    )


def change(cursor: Cursor, webhook_id: int, changes: Mapping[str, Any], actor: str) -> None:
    """Change URL, kinds or state of a webhook.

    Raises:
        NotFound: there is none of this id.
    """
    webhook = _required(cursor, webhook_id, lock=True)
    reason = None if "enabled" in changes else webhook.disabled_reason
    changed = webhook._replace(**changes, disabled_reason=reason)
    if changed.kinds is not None:
        changed = changed._replace(kinds=tuple(changed.kinds))
    store.update_webhook(cursor, webhook, changed, actor)


def rotate(cursor: Cursor, webhook_id: int, secret: str, actor: str) -> int:
    """Replace the secret of a webhook; return its id.

    Raises:
        NotFound: there is none of this id.
    """
    _required(cursor, webhook_id, lock=True)
    store.rotate_secret(cursor, webhook_id, secret, actor)
    return webhook_id


def delete(cursor: Cursor, webhook_id: int, actor: str) -> None:
    """Delete a webhook.

    Raises:
        NotFound: there is none of this id.
    """
    if not store.delete_webhook(cursor, webhook_id, actor):
        raise NotFound(f"there is no webhook {webhook_id}")


def add_test(cursor: Cursor, webhook_id: int) -> int:
    """Have a test event delivered; return the id of the delivery.

    Raises:
        NotFound: there is no webhook of this id.
    """
    _required(cursor, webhook_id)
    return log.add_test(cursor, webhook_id)


def deliver_again(cursor: Cursor, webhook_id: int, delivery_id: int) -> int:
    """Have an event delivered once more; return the id of the delivery.

    Raises:
        NotFound: there is no webhook or delivery of this id.
    """
    _required_delivery(cursor, webhook_id, delivery_id)
    log.deliver_again(cursor, webhook_id, delivery_id)
    return delivery_id


def described(webhook: Webhook) -> dict[str, Any]:
    """Describe a webhook, without its secret."""
    fields = _in_utc(webhook._asdict())
    kinds: Sequence[str] | None = webhook.kinds
    return {**fields, "secret": None, "kinds": None if kinds is None else list(kinds)}


def _in_utc(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def _required(cursor: Cursor, webhook_id: int, *, lock: bool = False) -> Webhook:
    webhook = store.read_webhook(cursor, webhook_id, lock=lock)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook


def _required_delivery(cursor: Cursor, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    found = log.read_delivery(cursor, webhook_id, delivery_id)
    if found is None:
        raise NotFound(f"webhook {webhook_id} has no delivery {delivery_id}, or none any more")
    return found
