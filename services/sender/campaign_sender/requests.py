"""Orders to the owner of a shard: which of them this process carries out next.

A request is applied before any call that it concerns: look-up and admission of fetched records
are one step against it (`Desk.admitting`), and what this process holds of a campaign is
recorded before the campaign's outcomes are rewritten. Erasures go first, and have no call start
for what is held of them.
"""

import threading
from collections.abc import Collection, Iterable, Mapping

import structlog
from pymysql.err import Error

from campaign_common.database import Database
from campaign_common.store.shard_requests import RequestKind, ShardRequest, read_requests
from campaign_sender import transaction
from campaign_sender.desk import Desk, OwnedShard
from campaign_sender.message import Message
from campaign_sender.rewriting import CARRY_OUT, Held
from campaign_sender.transaction import ShardWork

READ = 100
"""Requests of one shard that are looked at; those of one campaign wait for each other."""

log = structlog.get_logger()


class Requests:
    """Knows which shards of this process have open requests, and which one is next."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk
        self._noting = threading.Lock()
        self._noted: dict[int, None] = {}
        """As a set that keeps its order: shards take turns, a slice each."""
        self._left_alone: set[int] = set()
        """Requests that this process cannot carry out; the next owner may."""

    def note(self, shards: Iterable[int]) -> None:
        """Note shards with open requests; may be called from any thread."""
        with self._noting:
            self._noted.update(dict.fromkeys(shards))

    @property
    def noted(self) -> bool:
        """Tell whether there is something to carry out at once."""
        return bool(self._noted)

    def take(self) -> OwnedShard | None:
        """Return the shard of this process that was noted the longest ago."""
        with self._noting:
            while self._noted:
                shard = next(iter(self._noted))
                del self._noted[shard]
                owned = self._desk.owned(shard)
                if owned is not None:
                    return owned
        return None

    def carry_out_next(self, work: ShardWork) -> set[int] | None:
        """Carry out a slice of the next request that can be, in the transaction of `work`.

        Returns the shards that turned out to have another owner; None: nothing was to be done,
        or has to wait for what is held.

        Raises:
            RetryLater: the database is away; CommitUnknown among these.
        """
        owned = work.owned
        with self._desk.admitting:
            request, held = self._next_of(owned)
            if request is None:
                return None
            try:
                with self._database.transaction() as cursor:
                    fenced = transaction.write(cursor, [work]).fenced
                    if not fenced:
                        CARRY_OUT[request.kind](cursor, request, held)
            except (Error, LookupError, TypeError, ValueError) as error:
                # One order that is wrong must not stop what the shard sends and records.
                self._leave_alone(request, error)
                return None
        return fenced

    def _next_of(self, owned: OwnedShard) -> tuple[ShardRequest | None, Held]:
        with self._database.reading() as cursor:
            open_requests = read_requests(cursor, owned.shard, READ)
        campaigns = {request.campaign_id for request in open_requests}
        held_of = {one: self._desk.held_in(owned.shard, one) for one in campaigns}
        _withdraw(open_requests, held_of)
        waiting: set[int] = set()
        for request in sorted(open_requests, key=_is_no_erasure):
            campaign_id = request.campaign_id
            held = held_of[campaign_id]
            if campaign_id not in waiting and self._can_be_carried_out(request, held):
                return request, held
            if _is_no_erasure(request):
                waiting.add(campaign_id)
        return None, ()

    def _can_be_carried_out(self, request: ShardRequest, held: Held) -> bool:
        if request.id in self._left_alone:
            return False
        if request.kind not in CARRY_OUT:
            self._leave_alone(request, "unknown kind")
            return False
        if request.kind == RequestKind.SETTLE_CANCELLED:
            return not held
        if request.kind == RequestKind.ERASE:
            seqs = _seqs_of(request)
            return not seqs or any(seq not in held for seq in seqs)
        return True

    def _leave_alone(self, request: ShardRequest, why: object) -> None:
        self._left_alone.add(request.id)
        log.error("a request is left alone", request=request.id, kind=request.kind, why=str(why))


def _is_no_erasure(request: ShardRequest) -> bool:
    return request.kind != RequestKind.ERASE


def _seqs_of(request: ShardRequest) -> Collection[int]:
    seqs: Collection[int] = request.arguments.get("seqs", ())
    return seqs


def _withdraw(
    requests: Iterable[ShardRequest], held_of: Mapping[int, Mapping[int, Message]]
) -> None:
    """Have no call start any more for what is held of people who are to be erased."""
    for request in requests:
        if request.kind == RequestKind.ERASE:
            held = held_of[request.campaign_id]
            for seq in _seqs_of(request):
                if seq in held:
                    held[seq].withdrawn = True
