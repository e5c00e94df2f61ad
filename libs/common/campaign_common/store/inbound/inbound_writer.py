"""Writing of inbound messages, and of what follows from them, by any process at any time."""

from collections.abc import Sequence
from functools import partial

from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.store.inbound.inbound_messages import StoredInbound, insert_inbound


class InboundWriter:
    """Writer of inbound messages to the main server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, messages: Sequence[InboundMessage]) -> Sequence[StoredInbound]:
        """Store messages in one transaction; return those that were not there yet.

        May be repeated as a whole after any error: what was stored then changes nothing.

        Raises:
            RetryLater: the database is away, or its answer to COMMIT was lost.
        """
        return self._database.run(partial(_store, messages)) if messages else ()


def _store(messages: Sequence[InboundMessage], cursor: Cursor) -> Sequence[StoredInbound]:
    return insert_inbound(cursor, messages)
