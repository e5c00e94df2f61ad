"""The last look before a call (protocol rule 7): what this process knows, and how old it is."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from campaign_common.database import ShardServer
from campaign_common.errors import RetryLater
from campaign_common.repeating import IndispensableThread
from campaign_common.store.campaigns import CampaignVersion, read_versions
from campaign_common.store.claims import read_owners
from campaign_common.store.partition_map import read_map
from campaign_common.store.shard_requests import requested_shards
from campaign_sender.desk import Desk
from campaign_sender.message import Grounds, Message
from campaign_sender.providers.contract import Answer

REFRESH_INTERVAL = 0.3
"""Seconds between two background reads."""

FRESH_FOR = 1.0
"""Seconds after the beginning of the youngest read during which calls may start."""

IN_SIGHT_FOR = 3.0
"""Seconds after the beginning of the youngest read after which a server is taken to be away."""

HELD_ONLY = frozenset({None, Answer.EXPIRED})
"""Decisions that hold only for messages that are still this process's to work on."""

log = structlog.get_logger()

# A monotonic clock that goes on while the machine sleeps: a process that wakes up must see
# that what it knows is old.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Return seconds since boot, suspension included."""
    return time.clock_gettime(_CLOCK)


class Seen(NamedTuple):
    """A campaign as it was read at `began_at` (boot time of the read's beginning)."""

    version: CampaignVersion
    began_at: float


class Lookout:
    """Knows the campaigns, claims and partition map as last read from the database."""

    def __init__(
        self,
        server: ShardServer,
        topic: str,
        desk: Desk,
        *,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        self._server = server
        self._topic = topic
        self._desk = desk
        self._clock = clock
        self._learning = threading.Lock()
        self._campaigns: dict[int, Seen] = {}
        self._lost: frozenset[int] = frozenset()
        self._requested: frozenset[int] = frozenset()
        self._present: frozenset[int] = frozenset()
        self._map_version = 0
        self._began_at = float("-inf")

    @property
    def map_version(self) -> int:
        """The version of the partition map as last read."""
        return self._map_version

    @property
    def requested_shards(self) -> frozenset[int]:
        """Shards, of whomever, whose owner had something to carry out at the last look."""
        return self._requested

    @property
    def present_shards(self) -> frozenset[int]:
        """All shards that there were at the last look, of whomever."""
        return self._present

    @property
    def lost_shards(self) -> frozenset[int]:
        """Shards of this process that were last seen under another owner."""
        return self._lost

    @property
    def fresh(self) -> bool:
        """Tell whether the last read is young enough to start calls."""
        return self._clock() - self._began_at <= FRESH_FOR

    @property
    def in_sight(self) -> bool:
        """Tell whether the server has answered lately: whoever must not wait for it asks first."""
        return self._clock() - self._began_at <= IN_SIGHT_FOR

    def learn(self, versions: Mapping[int, CampaignVersion], began_at: float) -> None:
        """Take what admission has just read of campaigns."""
        with self._learning:
            for campaign_id, version in versions.items():
                self._campaigns[campaign_id] = Seen(version, began_at)

    def version_of(self, campaign_id: int) -> CampaignVersion | None:
        """Return a campaign as last read; None when nothing of it is held here."""
        seen = self._campaigns.get(campaign_id)
        return seen.version if seen else None

    def look(self) -> None:
        """Read everything once.

        Raises:
            RetryLater: the database did not answer; what was known stays, and ages.
        """
        began_at = self._clock()
        campaign_ids = self._desk.campaigns()
        # Listed before the read: a shard taken over meanwhile must not look lost.
        shards = self._desk.shards()
        with self._server.reading() as cursors:
            versions = read_versions(cursors.main, campaign_ids)
            owners = read_owners(cursors.own)
            requested = requested_shards(cursors)
            partition_map = read_map(cursors.main, self._topic)
        read = {campaign_id: Seen(version, began_at) for campaign_id, version in versions.items()}
        with self._learning:
            for campaign_id, seen in self._campaigns.items():
                if seen.began_at > began_at or campaign_id not in read:
                    read[campaign_id] = seen
            self._campaigns = {
                campaign_id: seen
                for campaign_id, seen in read.items()
                if campaign_id in campaign_ids or seen.began_at >= began_at - FRESH_FOR
            }
            if began_at < self._began_at:
                return
            self._lost = frozenset(
                owned.shard
                for owned in shards
                if owners.get(owned.shard) != (owned.epoch, owned.owner_token)
            )
            self._requested = requested
            self._present = frozenset(owners)
            self._map_version = partition_map.version if partition_map else 0
            self._began_at = began_at

    def last_look(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Decide immediately before calls; None means that this one may start."""
        now = self._clock()
        decided: dict[Grounds, Answer | None] = {}
        answers: list[Answer | None] = []
        for message in messages:
            grounds = message.grounds
            if grounds not in decided:
                decided[grounds] = self._look_at(grounds, now)
            answer = decided[grounds]
            if answer in HELD_ONLY and (message.withdrawn or not self._desk.holds(message)):
                answer = Answer.VOID
            answers.append(answer)
        return answers

    def _look_at(self, grounds: Grounds, now: float) -> Answer | None:
        campaign_id, campaign_epoch, map_version, shard, _ = grounds
        seen = self._campaigns.get(campaign_id)
        oldest = now - FRESH_FOR
        if seen is None or seen.began_at < oldest or self._began_at < oldest:
            return Answer.NOT_NOW
        if self._desk.is_draining(shard):
            return Answer.GIVEN_BACK
        version = seen.version
        if (
            not version.sends(campaign_epoch)
            or map_version != self._map_version
            or shard in self._lost
        ):
            return Answer.VOID
        if version.expires_in is not None and now - seen.began_at >= version.expires_in:
            return Answer.EXPIRED
        return None


class LookoutThread:
    """Looks every `REFRESH_INTERVAL` seconds until stopped, and tells when a look succeeded."""

    def __init__(self, lookout: Lookout, after_look: Callable[[], None]) -> None:
        self._lookout = lookout
        self._after_look = after_look
        self._stop = threading.Event()
        self._thread = IndispensableThread("lookout", self._run)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether the thread runs; it ends early only by a programming error."""
        return self._thread.alive

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        away = False
        while not self._stop.wait(REFRESH_INTERVAL):
            try:
                self._lookout.look()
            except RetryLater as error:
                if not away:
                    log.warning("database away, no calls start", error=str(error))
                away = True
                continue
            if away:
                log.info("database back, calls may start")
                away = False
            self._after_look()
