"""The leases this process holds, shared by the threads that work on them."""

import os
import secrets
import socket
import threading
from collections.abc import Iterable

import structlog

from campaign_common.database import Database
from campaign_common.store import leases as store
from campaign_common.store.leases import Holder, Lease

_log = structlog.get_logger()


def new_owner() -> str:
    """Name this process as a holder of leases: readable, and never used by another one."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:32]
    return f"{host}-{os.getpid()}-{secrets.token_hex(6)}"


class Leases:
    """The running campaigns that this process works on.

    What stands here may be out of date: writes are fenced by the lease epoch in MySQL, this
    only decides what the process tries to do.
    """

    def __init__(self, database: Database, holder: Holder) -> None:
        self.holder = holder
        self.changed = threading.Event()
        self._database = database
        self._lock = threading.Lock()
        self._held: dict[int, Lease] = {}
        self.taken = self.ended = 0
        """How many leases were, for the metrics."""

    def held(self) -> list[Lease]:
        """List the leases held now."""
        with self._lock:
            return list(self._held.values())

    def add(self, leases: Iterable[Lease]) -> None:
        """Begin to work on campaigns that were just taken."""
        taken = {lease.campaign_id: lease for lease in leases}
        with self._lock:
            self._held.update(taken)
            self.taken += len(taken)
        self.changed.set()

    def forget(self, keys: Iterable[tuple[int, int]]) -> None:
        """Stop to work on these leases; a newer lease on the same campaign stays."""
        with self._lock:
            for campaign_id, lease_epoch in keys:
                lease = self._held.get(campaign_id)
                if lease is not None and lease.lease_epoch == lease_epoch:
                    del self._held[campaign_id]
                    self.ended += 1
        self.changed.set()

    def renew(self) -> None:
        """Prolong every lease held, and forget those that are lost.

        Raises:
            DatabaseUnavailable: the database did not answer; the leases run on until then.
        """
        keys = [lease.key for lease in self.held()]
        if not keys:
            return
        kept = self._database.run(lambda cursor: store.renew(cursor, keys, self.holder))
        lost = set(keys) - kept
        if lost:
            self.forget(lost)

    def give_back(self, keys: Iterable[tuple[int, int]] | None = None) -> None:
        """Forget leases (all of them, when none are named) and let others take them at once.

        Raises:
            DatabaseUnavailable: others take them when they run out instead.
        """
        released = [lease.key for lease in self.held()] if keys is None else list(keys)
        self.forget(released)
        self._database.run(lambda cursor: store.release(cursor, released, self.holder.owner))
