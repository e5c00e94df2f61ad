"""Suppressions of the people whose messages a sender holds (rule 18).

A message is looked up when it is admitted. From then on the view of rule 7 says which people have
new suppressions, and their held messages are looked up again before the view counts.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.suppressions.change_log_position import (
    MARGIN,
    ChangeLogPosition,
    LoggedRow,
)
from campaign_common.domain.suppressions.suppression_scope import TOPIC, applies
from campaign_common.store.core.campaigns import CampaignVersion, read_versions
from campaign_common.store.messages.send_view import ChangesWanted, SuppressionView
from campaign_common.store.suppressions.lookup import Suppressed, look_up_suppressed
from campaign_sender.message import Message

Topics = Mapping[CampaignId, str | None]
"""Topics of campaigns as they were just read; None: the campaign has no topic."""


def topics_of(versions: Mapping[CampaignId, CampaignVersion]) -> Topics:
    """Return the topics of campaigns."""
    return {campaign_id: version.topic for campaign_id, version in versions.items()}


class HoldsMessages(Protocol):
    """The messages that this process holds."""

    def held_for(self, phones: Collection[str] | None) -> list[Message]:
        """Return the held messages to some people, None: to all."""


class HeldSuppressions:
    """Suppressions of the held messages of one shard group, by following their changes.

    `originator_of`: returns the originator that a provider is configured with, which messages
    without one of their own have. `longest`: seconds of the longest transaction. Views are applied
    by one thread at a time, in the order of their reads; batches are admitted one at a time.
    """

    def __init__(
        self,
        held: HoldsMessages,
        originator_of: Callable[[str], str | None] = lambda _: None,
        longest: float = MARGIN,
    ) -> None:
        self._held = held
        self.originator_of = originator_of
        self.longest = longest
        self._position: ChangeLogPosition | None = None
        self._imports: int | None = None
        self._is_empty = False
        self.lock = threading.Lock()
        """Held while a batch becomes held, and while a view notes what has changed."""
        self._changed: set[str] = set()
        self._all_changed = False

    @property
    def wanted(self) -> ChangesWanted:
        """The changes to read with the next view."""
        position = self._position
        return ChangesWanted(None if position is None else position.settled, self.longest)

    def begin_lookup(self) -> bool:
        """Note changes from now on for a batch; return whether it must be looked up.

        It need not where the latest view has found no suppression: each later one is a change.
        """
        with self.lock:
            self._changed, self._all_changed = set(), False
            return not self._is_empty

    def take_changed(self, messages: Sequence[Message]) -> list[Message]:
        """Return those messages of the batch whose people have changed; call it under `lock`.

        The changes that are returned are forgotten.
        """
        if self._all_changed:
            found = list(messages)
        elif self._changed:
            found = [one for one in messages if one.record.phone in self._changed]
        else:
            return []
        self._changed, self._all_changed = set(), False
        return found

    def apply(self, cursor: Cursor, view: SuppressionView, topics: Topics) -> None:
        """Look up the held messages that a view's changes concern, and mark the suppressed ones.

        `topics`: of the campaigns in the view. That of a campaign whose messages became held after
        the view began is read here. Nothing is noted as seen before that is done: a view that fails
        is repeated as a whole.

        Raises:
            RetryLater: the main server is away.
        """
        position = self._position
        rows = [LoggedRow(one.id, one.age) for one in view.changes]
        everything = (
            position is None
            or not view.is_complete
            or view.latest < position.latest  # a restored backup
            or view.imports != self._imports
        )
        phones: set[str] = set()
        if position is not None:
            unseen = position.unseen(rows)
            phones = {one.phone for one in view.changes if one.id in unseen}
        with self.lock:
            self._changed |= phones
            self._all_changed = self._all_changed or everything
            self._is_empty = self._is_empty and view.is_empty
            held = (
                self._held.held_for(None if everything else phones) if everything or phones else []
            )
        suppressed = look_up_suppressed(cursor, [one.record.phone for one in held])
        if suppressed:
            missing = {one.record.campaign_id for one in held} - topics.keys()
            topics = {**topics, **topics_of(read_versions(cursor, missing))} if missing else topics
            self.mark(held, suppressed, topics)
        with self.lock:
            self._is_empty = view.is_empty
        self._imports = view.imports
        if position is None:
            settled = 0 if view.settled is None else view.settled
            self._position = ChangeLogPosition(settled, self.longest)
        elif not view.is_complete or view.latest < position.latest:
            self._position = None
        else:
            position.note(rows)

    def mark(self, messages: Iterable[Message], suppressed: Suppressed, topics: Topics) -> None:
        """Mark the messages that their people do not want.

        Every topic counts as that of a campaign without an entry in `topics`.
        """
        if not suppressed:
            return
        for message in messages:
            scopes = suppressed.get(message.record.phone)
            if scopes and self._applies(message, scopes, topics):
                message.suppressed = True

    def _applies(self, message: Message, scopes: Collection[str], topics: Topics) -> bool:
        campaign_id = message.record.campaign_id
        if campaign_id not in topics and any(scope.startswith(TOPIC) for scope in scopes):
            return True
        provider = message.provider
        originator = message.record.originator or self.originator_of(provider)
        return applies(scopes, provider, originator, topics.get(campaign_id))
