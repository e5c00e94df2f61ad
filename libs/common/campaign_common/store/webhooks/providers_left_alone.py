"""providers_left_alone: what webhooks were told of providers, by the breakers of all senders."""

from pymysql.cursors import Cursor

from campaign_common.domain.events.event_kind import EventKind
from campaign_common.store.core.open_circuits import OPEN_CIRCUITS
from campaign_common.store.core.outgoing_events import record_event

RETURNED_AFTER = 30
"""Seconds without an open breaker after which a provider has returned.

A provider that is tried and fails again is left alone again at once, which is no change."""

SELECT_OPEN = f"SELECT provider FROM ({OPEN_CIRCUITS}) b ORDER BY provider"

SELECT_KNOWN = "SELECT provider FROM providers_left_alone"

NOTE = """
INSERT IGNORE INTO providers_left_alone (provider, since, seen_at) VALUES (%s, NOW(6), NOW(6))
"""

SEE = "UPDATE providers_left_alone SET seen_at = NOW(6) WHERE provider IN %s"

FORGET = f"""
DELETE FROM providers_left_alone
WHERE provider = %s AND seen_at < NOW(6) - INTERVAL {RETURNED_AFTER} SECOND
"""


def note_providers(cursor: Cursor) -> None:
    """Record each provider that is left alone, and each that has returned, once.

    Of schedulers that do it at the same time, the one that changes the row records the event.
    """
    cursor.execute(SELECT_OPEN)
    left_alone = [provider for (provider,) in cursor.fetchall()]
    cursor.execute(SELECT_KNOWN)
    known = sorted(provider for (provider,) in cursor.fetchall())
    for provider in left_alone:
        if provider not in known and cursor.execute(NOTE, (provider,)):
            _record(cursor, EventKind.PROVIDER_LEFT_ALONE, provider)
    if seen := [provider for provider in left_alone if provider in known]:
        cursor.execute(SEE, (seen,))
    for provider in known:
        if provider not in left_alone and cursor.execute(FORGET, (provider,)):
            _record(cursor, EventKind.PROVIDER_RETURNED, provider)


def _record(cursor: Cursor, kind: EventKind, provider: str) -> None:
    links = {"provider": f"/v1/providers/{provider}"}
    record_event(cursor, kind, {"provider": provider, "links": links})
