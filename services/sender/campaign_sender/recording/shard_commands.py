"""Orders to the owner of a shard: which of them this process carries out next.

A request is applied before any call that it concerns: look-up and admission of fetched records
are one step against it (`InFlightBuffer.admission_lock`), and what this process holds of a
campaign is recorded before the campaign's outcomes are rewritten. Erasures go first, and have no
call start for what is held of them.

People's orders are written on the main server. Where the shard lives on another one, they are
copied there first (`store.forwarded_requests`), and carried out in turn.
"""

import math
import threading
from collections.abc import Collection, Iterable, Mapping
from time import monotonic as now

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Proof, ShardServer
from campaign_common.errors import RetryLater, StatementRefused
from campaign_common.store import forwarded_requests as forwarding
from campaign_common.store.shard_requests import RequestKind, ShardRequest, read_requests
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.recording import transaction
from campaign_sender.recording.command_handlers import CARRY_OUT, Held
from campaign_sender.recording.transaction import ShardWork

READ = 100
"""Requests of one shard that are looked at; those of one campaign wait for each other."""

REFUSED_FOR = 30.0
"""Seconds for which a request is left alone that the database has refused."""

log = structlog.get_logger()


class Requests:
    """Knows which shards of this process have open requests, and which one is next."""

    def __init__(self, server: ShardServer, buffer: InFlightBuffer) -> None:
        self._server = server
        self._buffer = buffer
        self._noting = threading.Lock()
        self._noted: dict[int, None] = {}
        """As a set that keeps its order: shards take turns, a slice each."""
        self._left_alone: dict[int, float] = {}
        """Requests that could not be carried out, and the monotonic time until which none is
        tried again; one that makes no sense to this process is left to the next owner."""

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
                owned = self._buffer.owned(shard)
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
        with self._buffer.admission_lock:
            if not self._server.is_main and (fenced := self._forward(work)) is not None:
                return fenced
            request, held = self._next_of(work.owned)
            if request is None:
                return None
            try:
                with self._server.own.transaction() as own, self._server.beside(own) as cursors:
                    fenced = transaction.write(own, [work]).fenced
                    if not fenced:
                        CARRY_OUT[request.kind](cursors, request, held)
            except (StatementRefused, DriverError) as error:
                # One order that is wrong must not stop what the shard sends and records.
                self._leave_alone(request, error, REFUSED_FOR)
                return None
            except (LookupError, TypeError, ValueError) as error:
                self._leave_alone(request, error, math.inf)
                return None
            self._left_alone.pop(request.id, None)
        return fenced

    def _forward(self, work: ShardWork) -> set[int] | None:
        """Copy what the main server has for a shard that lives elsewhere; None: nothing."""
        shard = work.owned.shard
        with self._server.reading(Proof.NOW) as cursors:
            orders = read_requests(cursors.main, shard, READ)
            if not orders:
                return None
            # Not of these: a former owner may delete one of them between the two reads.
            settled = forwarding.settled_notes(cursors, shard) - {order.id for order in orders}
        campaigns = {order.campaign_id for order in orders}
        _withdraw(orders, {one: self._buffer.held_messages(shard, one) for one in campaigns})
        with self._server.own.transaction() as cursor:
            fenced = transaction.write(cursor, [work]).fenced
            if not fenced:
                forwarding.forget_notes(cursor, shard, settled)
                forwarding.copy_requests(cursor, orders)
        if not fenced:
            self._delete_copied([order.id for order in orders])
        return fenced

    def _delete_copied(self, request_ids: list[int]) -> None:
        try:
            with self._server.main.transaction() as cursor:
                forwarding.delete_copied(cursor, request_ids)
        except RetryLater as error:
            # The copies are made, and are not made again; the next turn deletes them here.
            log.warning("orders that were copied stay on the main server", error=str(error))

    def _next_of(self, owned: OwnedShard) -> tuple[ShardRequest | None, Held]:
        with self._server.own.reading(proof=Proof.NOW) as cursor:
            open_requests = read_requests(cursor, owned.shard, READ)
        campaigns = {request.campaign_id for request in open_requests}
        held_of = {one: self._buffer.held_messages(owned.shard, one) for one in campaigns}
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
        if now() < self._left_alone.get(request.id, 0.0):
            return False
        if request.kind not in CARRY_OUT:
            self._leave_alone(request, "unknown kind", math.inf)
            return False
        if request.kind == RequestKind.SETTLE_CANCELLED:
            return not held
        if request.kind == RequestKind.ERASE:
            seqs = _seqs_of(request)
            return not seqs or any(seq not in held for seq in seqs)
        return True

    def _leave_alone(self, request: ShardRequest, why: object, seconds: float) -> None:
        if request.id not in self._left_alone:
            log.error(
                "a request is left alone", request=request.id, kind=request.kind, why=str(why)
            )
        self._left_alone[request.id] = now() + seconds


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
