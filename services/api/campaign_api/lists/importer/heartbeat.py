"""Showing that an import lives while nothing of its file arrives to be stored."""

from campaign_common.database import Database
from campaign_common.repeating import Repeating
from campaign_common.store.recipient_lists import touch_list

INTERVAL = 60.0
"""Seconds; a tenth of what the sweep waits before it takes an import for dead."""


def heartbeat(database: Database, list_id: int, interval: float = INTERVAL) -> Repeating:
    """Touch a list about once a minute, within a `with`.

    An upload may bring less than a batch of rows in all the time that the sweep waits.
    """

    def touch() -> None:
        # Whether the list is still wanted is found out by the next batch.
        database.run(lambda cursor: touch_list(cursor, list_id))

    return Repeating("import heartbeat", interval, touch)
