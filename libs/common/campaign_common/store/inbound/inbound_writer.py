"""Writing of inbound messages, and of what follows from them, by any process at any time."""

from collections.abc import Sequence
from math import inf

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy
from campaign_common.errors import DatabaseTimeout
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.inbound.inbound_messages import StoredInbound, insert_inbound
from campaign_common.store.inbound.keyword_effects import KeywordEffects, act_on_keywords
from campaign_common.store.suppressions.stops import note_stops
from campaign_common.store.suppressions.suppressions import Suppression, require_in_reach

DEFAULTS = KeywordPolicy()
"""STOP applies to everything, and nothing is answered."""

log = structlog.get_logger(__name__)


class InboundWriter:
    """Writer of inbound messages to the main server, with the effects of keywords in them.

    `longest`: seconds of the longest transaction.
    """

    def __init__(
        self, database: Database, policy: KeywordPolicy = DEFAULTS, longest: float = inf
    ) -> None:
        self._database = database
        self._policy = policy
        self._longest = longest

    def write(self, messages: Sequence[InboundMessage]) -> Sequence[StoredInbound]:
        """Store messages in one transaction; return those that were not there yet.

        A person who has said STOP in one of them is sent nothing later than 2 s after the return.
        May be repeated as a whole after any error: what was stored then changes nothing.

        Raises:
            RetryLater: the database is away, or its answer to COMMIT was lost.
        """
        if not messages:
            return ()
        began = 0.0

        def store(cursor: Cursor) -> tuple[Sequence[StoredInbound], KeywordEffects]:
            nonlocal began
            began = boot_time()
            stored = insert_inbound(cursor, messages)
            return stored, act_on_keywords(cursor, stored, self._policy)

        stored, effects = self._database.run(store)
        if effects.stops:
            self._make_known(began, effects.stops)
        if effects != KeywordEffects():
            log.info(
                "keywords acted on",
                stops=len(effects.stops),
                lifted=effects.lifted,
                answers=effects.answers,
            )
        return stored

    def _make_known(self, began: float, stops: Sequence[Suppression]) -> None:
        """Note changes again whose transaction took so long that senders may not look at them.

        The messages are stored: what a gateway repeats would not be acted on.
        """
        try:
            require_in_reach(began, self._longest)
        except DatabaseTimeout:
            began = boot_time()
            self._database.run(lambda cursor: note_stops(cursor, stops))
            require_in_reach(began, self._longest)
