"""Writing of inbound messages, and of what follows from them, by any process at any time."""

from collections.abc import Sequence
from math import inf

import structlog
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import KeywordPolicy, is_acted_on
from campaign_common.errors import DatabaseTimeout
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.inbound.inbound_messages import StoredInbound, insert_inbound
from campaign_common.store.inbound.keyword_effects import (
    Hashes,
    KeywordEffects,
    act_on_keywords,
    no_hashes,
)
from campaign_common.store.suppressions.stops import note_stops, note_stops_again
from campaign_common.store.suppressions.suppressions import Suppression, require_in_reach

DEFAULTS = KeywordPolicy()
"""STOP applies to everything, and nothing is answered."""

log = structlog.get_logger(__name__)


class InboundWriter:
    """Writer of inbound messages to the main server, with the effects of keywords in them.

    `longest`: seconds of the longest transaction. `hashes`: those of the keys of erasures.
    """

    def __init__(
        self,
        database: Database,
        policy: KeywordPolicy = DEFAULTS,
        longest: float = inf,
        hashes: Hashes = no_hashes,
    ) -> None:
        self._database = database
        self._policy = policy
        self._longest = longest
        self._hashes = hashes

    def write(self, messages: Sequence[InboundMessage]) -> Sequence[StoredInbound]:
        """Store messages in one transaction; return those that were not there yet.

        A person who has said STOP in one of them is sent nothing later than 2 s after the return.
        May be repeated as a whole after any error: what was stored then has no effect again, but
        that the change of a STOP is noted once more, which may have come too late before.

        Raises:
            RetryLater: the database is away, or its answer to COMMIT was lost.
        """
        if not messages:
            return ()
        began = 0.0

        def store(cursor: Cursor) -> tuple[Sequence[StoredInbound], KeywordEffects, bool]:
            nonlocal began
            began = boot_time()
            stored = insert_inbound(cursor, messages)
            effects = act_on_keywords(cursor, stored, self._policy, self._hashes)
            note_stops_again(cursor, repeated := self._repeated_stops(messages, stored))
            return stored, effects, bool(repeated)

        stored, effects, is_repeated = self._database.run(store)
        if is_repeated:
            # What came too late again is not confirmed; the gateway repeats it.
            require_in_reach(began, self._longest)
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

    def _repeated_stops(
        self, messages: Sequence[InboundMessage], stored: Sequence[StoredInbound]
    ) -> set[tuple[str, str]]:
        """Return number and scope of the STOPs that were stored before."""
        fresh = {(each.message.provider, each.message.provider_message_id) for each in stored}
        return {
            (one.phone, self._policy.scope_of_stop(one))
            for one in messages
            if one.keyword is KeywordKind.STOP
            and is_acted_on(one)
            and (one.provider, one.provider_message_id) not in fresh
        }

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
