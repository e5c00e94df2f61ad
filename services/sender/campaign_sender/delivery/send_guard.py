"""Send guard: the check before each send, against a fresh view of the database (rule 7)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.database import Proof, ShardServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.send_view import (
    FRESH_FOR,
    SendView,
    Wanted,
    read_view,
)
from campaign_providers.contract import SendStatus
from campaign_sender.delivery.held_suppressions import HeldSuppressions, topics_of
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.message import AdmissionKey, Message

REACHABLE_FOR = 3.0
"""Seconds after the beginning of the last read until a server counts as unreachable."""

HELD_ONLY = frozenset({None, SendStatus.EXPIRED})
"""Decisions that apply only to messages that this process still holds."""


class CampaignView(NamedTuple):
    """Campaign as last read; `began_at`: boot time in seconds when the read began."""

    version: CampaignVersion
    began_at: float


class SendGuard:
    """View of campaigns, claims and partition map of one shard group, and the check against it.

    What it reads of rates and priorities it passes on to `paces`.
    """

    def __init__(
        self,
        server: ShardServer,
        topic: str,
        buffer: InFlightBuffer,
        *,
        clock: Callable[[], float] = boot_time,
        paces: CampaignPaces | None = None,
        suppressions: HeldSuppressions | None = None,
    ) -> None:
        self.suppressions = suppressions or HeldSuppressions(buffer)
        self._refreshing = threading.Lock()
        self._paces = paces
        self._server = server
        self._topic = topic
        self._buffer = buffer
        self._clock = clock
        self._learning = threading.Lock()
        self._campaigns: dict[CampaignId, CampaignView] = {}
        self._erased: frozenset[MessageKey] = frozenset()
        self._lost: frozenset[int] = frozenset()
        self._requested: frozenset[int] = frozenset()
        self._present: frozenset[int] = frozenset()
        self._owner_names: Mapping[int, str] = {}
        self._map_version = 0
        self._began_at = float("-inf")
        self._in_time_at = float("-inf")
        self._read_seconds = 0.0

    @property
    def map_version(self) -> int:
        """Version of the partition map as last read."""
        return self._map_version

    @property
    def shards_with_commands(self) -> frozenset[int]:
        """Shards, of any owner, that had commands at the last read."""
        return self._requested

    @property
    def existing_shards(self) -> frozenset[int]:
        """All shards that existed at the last read, of any owner."""
        return self._present

    @property
    def owner_names(self) -> Mapping[int, str]:
        """Names of the senders that owned shards at the last read, by shard."""
        return self._owner_names

    @property
    def lost_shards(self) -> frozenset[int]:
        """Shards of this process that the last read found under another owner."""
        return self._lost

    @property
    def read_seconds(self) -> float:
        """Duration of the last successful read."""
        return self._read_seconds

    @property
    def is_too_slow(self) -> bool:
        """Return whether every read of the last seconds was outdated when it ended."""
        return self._read_seconds >= FRESH_FOR and self._clock() - self._in_time_at > REACHABLE_FOR

    @property
    def reachable(self) -> bool:
        """Return whether the server was read recently; callers that must not block check this."""
        return self._clock() - self._began_at <= REACHABLE_FOR

    def learn(self, versions: Mapping[CampaignId, CampaignVersion], began_at: float) -> None:
        """Add campaigns that admission has just read."""
        with self._learning:
            for campaign_id, version in versions.items():
                self._campaigns[campaign_id] = CampaignView(version, began_at)
        if self._paces is not None:
            self._paces.update(versions)

    def version_of(self, campaign_id: CampaignId) -> CampaignVersion | None:
        """Return a campaign as last read; None when none of its messages are held."""
        known = self._campaigns.get(campaign_id)
        return known.version if known else None

    def refresh(self) -> None:
        """Read the view once.

        Raises:
            RetryLater: the database is down; the present view stays, and ages.
        """
        with self._refreshing:  # the changes of suppressions are applied in the order of the reads
            self._refresh()

    def _refresh(self) -> None:
        began_at = self._clock()
        campaign_ids = self._buffer.campaigns()
        # Listed before the read: a shard taken over meanwhile must not appear lost.
        shards = self._buffer.shards()
        view = self._read({owned.shard for owned in shards}, campaign_ids)
        if self._paces is not None:
            self._paces.update(view.versions)
        read = {
            campaign_id: CampaignView(version, began_at)
            for campaign_id, version in view.versions.items()
        }
        with self._learning:
            for campaign_id, known in self._campaigns.items():
                if known.began_at > began_at or campaign_id not in read:
                    read[campaign_id] = known
            self._campaigns = {
                campaign_id: known
                for campaign_id, known in read.items()
                if campaign_id in campaign_ids or known.began_at >= began_at - FRESH_FOR
            }
            if began_at < self._began_at:
                return
            self._erased = view.erased
            self._lost = frozenset(
                owned.shard
                for owned in shards
                if view.owners.get(owned.shard) != (owned.epoch, owned.owner_token)
            )
            self._requested = view.requested
            self._present = frozenset(view.owners)
            self._owner_names = view.owner_names
            self._map_version = view.map_version
            self._began_at = began_at
            ended_at = self._clock()
            self._read_seconds = ended_at - began_at
            if self._read_seconds < FRESH_FOR:
                self._in_time_at = ended_at

    def _read(self, shards: set[int], campaign_ids: set[CampaignId]) -> SendView:
        """Read the state of shards and campaigns from servers that accept writes."""
        wanted = self.suppressions.wanted
        everything = Wanted(shards, campaign_ids, self._topic, claims=True, suppressions=wanted)
        with self._server.main.reading(proof=Proof.IN_THE_BLOCK) as cursor:
            is_main = self._server.is_main
            main = read_view(cursor, everything if is_main else everything._replace(claims=False))
            if main.suppressions is not None:
                self.suppressions.apply(cursor, main.suppressions, topics_of(main.versions))
            if is_main:
                return main
        # After the main server: a command that is copied meanwhile is known at least once.
        with self._server.own.reading(proof=Proof.IN_THE_BLOCK) as cursor:
            own = read_view(cursor, everything._replace(campaigns=None, suppressions=None))
        return main._replace(
            owners=own.owners,
            owner_names=own.owner_names,
            requested=main.requested | own.requested,
            erased=main.erased | own.erased,
        )

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        """Check messages immediately before they are sent; None: this one may be sent."""
        now = self._clock()
        decided: dict[AdmissionKey, SendStatus | None] = {}
        statuses: list[SendStatus | None] = []
        erased = self._erased
        for message in messages:
            admission_key = message.admission_key
            if admission_key not in decided:
                decided[admission_key] = self._decide(admission_key, now)
                erased = self._erased  # read last: of the view that was found fresh, or a later one
            status = decided[admission_key]
            if status in HELD_ONLY and (
                message.withdrawn or message.key in erased or not self._buffer.holds(message)
            ):
                status = SendStatus.STALE
            elif message.suppressed and status in HELD_ONLY:
                status = SendStatus.SUPPRESSED
            statuses.append(status)
        return statuses

    def _decide(self, admission_key: AdmissionKey, now: float) -> SendStatus | None:
        campaign_id, campaign_epoch, map_version, shard, _ = admission_key
        known = self._campaigns.get(campaign_id)
        oldest = now - FRESH_FOR
        if known is None or known.began_at < oldest or self._began_at < oldest:
            return SendStatus.DEFERRED
        if self._buffer.is_draining(shard):
            return SendStatus.RELEASED
        version = known.version
        if (
            not version.sends(campaign_epoch)
            or map_version != self._map_version
            or shard in self._lost
        ):
            return SendStatus.STALE
        if version.expires_in is not None and now - known.began_at >= version.expires_in:
            return SendStatus.EXPIRED
        return None
