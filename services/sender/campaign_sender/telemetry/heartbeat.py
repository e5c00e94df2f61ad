"""Saying every few seconds that this sender is alive, for whoever looks at the statistics."""

from collections.abc import Callable
from functools import partial

from campaign_common.database import Cursor, Database
from campaign_common.repeating import Repeating
from campaign_common.store.statistics import forget_sender, note_sender

INTERVAL = 5.0
"""Seconds between two signs; the statistics take a sender for dead after three times as many."""


def presence_of(owner_name: str, database: Database) -> Repeating:
    """Give signs of a sender in a thread of its own; nothing rests on them.

    A sender that stops takes itself off the list.
    """

    def tell(change: Callable[[Cursor, str], None]) -> None:
        with database.transaction() as cursor:
            change(cursor, owner_name)

    return Repeating(
        "presence",
        INTERVAL,
        partial(tell, note_sender),
        at_once=True,
        at_end=partial(tell, forget_sender),
    )
