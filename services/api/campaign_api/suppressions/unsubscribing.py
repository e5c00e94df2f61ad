"""Unsubscribing by the link in a message: what its reference names, and the suppression of it."""

from enum import StrEnum

import structlog

from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor, Database
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.domain.suppressions.suppression_scope import EVERYTHING, TOPIC
from campaign_common.errors import DatabaseTimeout, RetryLater
from campaign_common.runtime.boot_time import boot_time
from campaign_common.settings import Settings, UnsubscribeScope
from campaign_common.store.suppressions.link_recipients import LinkRecipient, find_link_recipient
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    add_suppressions,
    require_in_reach,
)
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from campaign_providers.unsubscribe.link_references import LinkReference

RETRY_SECONDS = 1.0
"""Seconds for which a change is retried: a person waits, and the threads are few."""

REASON = "unsubscribed"
SOURCE = "unsubscribe"

ACTOR = "recipient"
"""The actor in the records of changes."""

AROUND = ".,;:!?)>\"'"
"""Characters of the text behind a link that some programs take for a part of it."""

log = structlog.get_logger(__name__)


class LinkState(StrEnum):
    """The state of a link."""

    VALID = "valid"
    UNSUBSCRIBED = "unsubscribed"
    TEST = "test"
    """It came with a test message, and changes nothing."""
    GONE = "gone"
    """Its campaign was purged, or its recipient erased."""
    UNKNOWN = "unknown"
    """It is not whole, or none of ours."""


class Unsubscribing:
    """Links as people follow them, and their suppressions; without `links` none is ours."""

    def __init__(
        self, database: Database, settings: Settings, links: UnsubscribeLinks | None
    ) -> None:
        self._database = database
        self._links = links
        self._by_topic = settings.unsubscribe.scope is UnsubscribeScope.TOPIC
        self._longest = longest_transaction(settings.mysql.tran_timeout)
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)

    def look(self, text: str) -> LinkState:
        """Return the state of the link with a reference; nothing changes.

        While the database is away a link of ours counts as valid.

        Raises:
            LinksUnsigned: no secret can be read.
        """
        reference = self._read(text)
        if reference is None or reference.is_test:
            return LinkState.UNKNOWN if reference is None else LinkState.VALID
        try:
            with self._database.reading() as cursor:
                found = find_link_recipient(cursor, reference.campaign_id, reference.seq)
        except RetryLater:
            return LinkState.VALID
        return LinkState.GONE if found is None else LinkState.VALID

    def unsubscribe(self, text: str) -> LinkState:
        """Suppress the person of the link with a reference; repeated, it adds a change alone.

        It holds for every sender within 2 s of the return (protocol rule 18).

        Raises:
            RetryLater: the database is away or too slow, or no secret can be read.
        """
        reference = self._read(text)
        if reference is None or reference.is_test:
            return LinkState.UNKNOWN if reference is None else LinkState.TEST
        try:
            return self._suppressed(reference)
        except DatabaseTimeout:
            # The suppression may be there, and its change too old for senders to notice.
            return self._suppressed(reference)

    def _read(self, text: str) -> LinkReference | None:
        return None if self._links is None else self._links.read(text.rstrip(AROUND))

    def _suppressed(self, reference: LinkReference) -> LinkState:
        began = 0.0
        campaign_id = reference.campaign_id

        def suppress(cursor: Cursor) -> str | None:
            nonlocal began
            began = boot_time()
            found = find_link_recipient(cursor, campaign_id, reference.seq, lock=True)
            if found is None:
                return None
            wish = self._wish(found, reference)
            add_suppressions(cursor, [wish], ACTOR)
            return wish.scope

        scope = self._transactions.run(suppress)
        if scope is None:
            return LinkState.GONE
        require_in_reach(began, self._longest)
        log.info("recipient unsubscribed", campaign=campaign_id, scope=scope)
        return LinkState.UNSUBSCRIBED

    def _wish(self, found: LinkRecipient, reference: LinkReference) -> Suppression:
        has_topic = self._by_topic and found.topic is not None
        scope = f"{TOPIC}{found.topic}" if has_topic else EVERYTHING
        note = f"campaign {reference.campaign_id}"
        return Suppression(found.phone, scope, REASON, SOURCE, note=note)
