"""Heartbeat of an import while no rows of its file arrive."""

from campaign_common.database import Database
from campaign_common.domain.recipient import ListId
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.store.recipients.recipient_lists import touch_list

INTERVAL = 60.0
"""Seconds; a tenth of the time after which the sweep discards an import."""


def heartbeat(database: Database, list_id: ListId, interval: float = INTERVAL) -> PeriodicThread:
    """Touch a list about once a minute, within a `with`.

    An upload may deliver less than a batch of rows in the time after which the sweep discards it.
    """

    def touch() -> None:
        # If the list was discarded meanwhile, the next batch finds out.
        database.run(lambda cursor: touch_list(cursor, list_id))

    return PeriodicThread("import-heartbeat", interval, touch)
