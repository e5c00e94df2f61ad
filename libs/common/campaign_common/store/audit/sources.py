"""Tables with a row for each thing that somebody has done, and what an event takes from them.

A source is read by an index on its time, or on actor and time, so that a page costs the rows that
it has. The tables without such an index have few rows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from campaign_common.store.webhooks.webhook_changes import WebhookChangeKind


class EventSource(NamedTuple):
    """A table, or a kind of its rows; `at`, `actor`, … are SQL expressions on it."""

    name: str
    table: str
    at: str
    kinds: tuple[str, ...]
    kind: str
    """Gives one of `kinds`."""
    actor: str
    """NULL where it is not known who."""
    subject: str
    """Subject of the event: the id of a campaign, the name of a provider, …"""
    details: Mapping[str, str]
    by_time: str | None = None
    """An index; None: the table has few rows."""
    by_actor: str | None = None
    id: str = "id"
    has_text_ids: bool = False


ALL_DETAILS = "*"
"""Stands for a column that has all details of an event as JSON."""

# In this order, as campaign_api.campaigns.history names the events of one campaign.
CAMPAIGN_KINDS = (
    ("created", "from_state IS NULL"),
    ("deleted", "to_state IS NULL"),
    ("cancelled", "to_state = 'cancelled'"),
    ("retried", "to_state = 'running' AND reason LIKE 'retry of %%'"),
    ("scheduled", "from_state = 'draft' AND to_state = 'scheduled'"),
    ("started", "from_state = 'scheduled' AND to_state = 'running'"),
    ("failed", "from_state = 'scheduled' AND to_state = 'failed'"),
    ("unscheduled", "from_state = 'scheduled' AND to_state = 'draft'"),
    ("paused", "from_state = 'running' AND to_state = 'paused'"),
    ("resumed", "from_state = 'paused' AND to_state = 'running'"),
    ("finished", "from_state = 'running' AND to_state = 'finished'"),
)

_CHANGED = "campaign.changed"


def _campaign_kind() -> str:
    cases = " ".join(f"WHEN {rule} THEN 'campaign.{word}'" for word, rule in CAMPAIGN_KINDS)
    return f"CASE {cases} ELSE '{_CHANGED}' END"


SOURCES = (
    EventSource(
        name="campaign",
        table="campaign_events",
        at="at",
        kinds=(*(f"campaign.{word}" for word, _ in CAMPAIGN_KINDS), _CHANGED),
        kind=_campaign_kind(),
        actor="actor",
        subject="campaign_id",
        details={"from": "from_state", "to": "to_state", "reason": "reason"},
        by_time="by_time",
        by_actor="by_actor",
    ),
    EventSource(
        name="purge",
        table="purged_campaigns",
        at="purged_at",
        kinds=("campaign.purged",),
        kind="'campaign.purged'",
        actor="actor",
        subject="id",
        details={"name": "name", "state": "state"},
        by_time="by_time",
        by_actor="by_actor",
    ),
    EventSource(
        name="provider",
        table="provider_events",
        at="at",
        kinds=("provider.limits", "provider.check", "route.weights"),
        kind="IF(kind = 'weights', 'route.weights', CONCAT('provider.', kind))",
        actor="actor",
        subject="provider",
        details={ALL_DETAILS: "details"},
        by_time="by_time",
        by_actor="by_actor",
    ),
    EventSource(
        name="suppression",
        table="suppression_changes",
        at="changed_at",
        kinds=("suppression.added", "suppression.removed"),
        kind="IF(is_added, 'suppression.added', 'suppression.removed')",
        actor="actor",
        subject="NULLIF(phone, '')",
        details={"scope": "scope", "reason": "reason", "until": "until"},
        by_time="changed_at",
        by_actor="by_actor",
    ),
    EventSource(
        name="import",
        table="suppression_imports",
        at="ended_at",
        kinds=("suppression.imported",),
        kind="'suppression.imported'",
        actor="actor",
        subject="id",
        details={"source": "source", "accepted": "accepted", "rejected": "rejected"},
        by_time="ended_at",
    ),
    # The number stays out: it goes when the erasure ends.
    EventSource(
        name="erasure",
        table="erasures",
        at="requested_at",
        kinds=("person.erased",),
        kind="'person.erased'",
        actor="actor",
        subject="NULL",
        details={},
        by_time="by_time",
        by_actor="by_actor",
    ),
    EventSource(
        name="list",
        table="reconsented_lists",
        at="imported_at",
        kinds=("list.reconsented",),
        kind="'list.reconsented'",
        actor="actor",
        subject="list_id",
        details={},
        id="list_id",
    ),
    EventSource(
        name="key",
        table="api_keys",
        at="created_at",
        kinds=("api_key.created",),
        kind="'api_key.created'",
        actor="created_by",
        subject="id",
        details={"name": "name", "scope": "scope"},
        has_text_ids=True,
    ),
    EventSource(
        name="revocation",
        table="api_keys",
        at="revoked_at",
        kinds=("api_key.revoked",),
        kind="'api_key.revoked'",
        actor="revoked_by",
        subject="id",
        details={"name": "name", "scope": "scope"},
        has_text_ids=True,
    ),
    EventSource(
        name="webhook",
        table="webhook_changes",
        at="at",
        kinds=tuple(f"webhook.{kind}" for kind in WebhookChangeKind),
        kind="CONCAT('webhook.', kind)",
        actor="actor",
        subject="webhook_id",
        details={ALL_DETAILS: "details"},
        by_time="by_time",
        by_actor="by_actor",
    ),
)
"""The place of a source orders the events of one moment."""

KINDS = tuple(kind for source in SOURCES for kind in source.kinds)
