"""campaign_events: who changed which campaign's state when, and why."""

from pymysql.cursors import Cursor

INSERT_EVENT = """
INSERT INTO campaign_events (campaign_id, at, actor, from_state, to_state, reason)
VALUES (%s, NOW(6), %s, %s, %s, %s)
"""


def append_event(
    cursor: Cursor,
    campaign_id: int,
    actor: str,
    *,
    from_state: str | None,
    to_state: str | None,
    reason: str | None = None,
) -> None:
    """Append one event to a campaign's history."""
    cursor.execute(INSERT_EVENT, (campaign_id, actor, from_state, to_state, reason))
