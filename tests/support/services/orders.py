"""Orders as the API gives them, on a system whose shards all live on one server."""

from collections.abc import Collection

from campaign_common.database import Cursor, Cursors
from campaign_common.domain.message import Status
from campaign_common.store.campaigns.transitions import RetryOrdered, retry_messages
from campaign_common.store.core.counters import counts


def order_retry(
    cursor: Cursor,
    campaign_id: int,
    actor: str,
    statuses: Collection[Status],
    error_code: str | None = None,
) -> RetryOrdered | None:
    """Have messages tried again, in a transaction."""
    counted = counts(Cursors((cursor,)), campaign_id)
    return retry_messages(cursor, campaign_id, actor, counted, statuses, error_code)
