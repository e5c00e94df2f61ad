"""Leases that this process holds, shared by its threads."""

import os
import secrets
import socket
import threading
from collections.abc import Iterable

import structlog

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.store.campaigns import leases as store
from campaign_common.store.campaigns.leases import Holder, Lease, LeaseKey
from campaign_scheduler.metrics import LEASES_ACQUIRED, LEASES_ENDED

_log = structlog.get_logger()


def new_owner() -> str:
    """Return a name for this process as a holder of leases: readable, and never used before."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:32]
    return f"{host}-{os.getpid()}-{secrets.token_hex(6)}"


class HeldLeases:
    """The running campaigns that this process has leased.

    They may be out of date. Writes are fenced by the lease epoch in MySQL; this object only
    decides what the process tries to do.
    """

    def __init__(self, database: Database, holder: Holder) -> None:
        self.holder = holder
        self.changed = threading.Event()
        self._database = database
        self._lock = threading.Lock()
        self._held: dict[CampaignId, Lease] = {}

    def current(self) -> list[Lease]:
        """Return the leases that are held now."""
        with self._lock:
            return list(self._held.values())

    def add(self, leases: Iterable[Lease]) -> None:
        """Add leases that were just taken."""
        taken = {lease.campaign_id: lease for lease in leases}
        with self._lock:
            self._held.update(taken)
            LEASES_ACQUIRED.inc(len(taken))
        self.changed.set()

    def drop(self, keys: Iterable[LeaseKey]) -> None:
        """Drop leases; a newer lease on the same campaign stays."""
        with self._lock:
            for campaign_id, lease_epoch in keys:
                lease = self._held.get(campaign_id)
                if lease is not None and lease.lease_epoch == lease_epoch:
                    del self._held[campaign_id]
                    LEASES_ENDED.inc()
        self.changed.set()

    def renew(self) -> None:
        """Extend every lease, and drop those that are lost.

        Raises:
            DatabaseUnavailable: the database did not answer; no lease is dropped, and each runs
                on at least until its last known end.
        """
        keys = [lease.key for lease in self.current()]
        if not keys:
            return
        kept = self._database.run(lambda cursor: store.renew(cursor, keys, self.holder))
        lost = set(keys) - kept
        if lost:
            self.drop(lost)

    def release(self, keys: Iterable[LeaseKey] | None = None) -> None:
        """Drop leases (by default all) and release them in MySQL, so that others can take them.

        Raises:
            DatabaseUnavailable: others take them when they expire.
        """
        released = [lease.key for lease in self.current()] if keys is None else list(keys)
        self.drop(released)
        self._database.run(lambda cursor: store.release(cursor, released, self.holder.owner))
