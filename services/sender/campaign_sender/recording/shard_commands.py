"""Queue of commands to the owner of a shard: rows of `shard_commands`, executed one at a time.

A command takes effect before any send that it concerns: the ledger look-up and the admission of
fetched records are one step against it (`InFlightBuffer.admission_lock`), and everything held of a
campaign is recorded before the campaign's outcomes are rewritten. Erasures come first, and stop the
sends of the messages held for them.

People's commands are written on the main server. Where the shard lives on another server, they are
copied there first (`store.shards.command_copies`) and executed in turn.
"""

import math
import threading
from collections.abc import Collection, Iterable, Mapping
from time import monotonic as now

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Proof, ShardServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.errors import RetryLater, StatementRefused
from campaign_common.store.receipts.receipt_rows import read_receipts
from campaign_common.store.shards import command_copies as forwarding
from campaign_common.store.shards.shard_commands import CommandKind, ShardCommand, read_commands
from campaign_sender.admission.rules import is_reported, place_of
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.message import Message
from campaign_sender.recording import transaction
from campaign_sender.recording.command_handlers import HANDLERS, HeldSeqs
from campaign_sender.recording.receipt_proofs import named_messages
from campaign_sender.recording.transaction import ShardWrites

MAX_READ = 100
"""Commands of one shard that are considered; those of one campaign are executed in order, after
erasures."""

REFUSED_FOR = 30.0
"""Seconds for which a command is skipped after the database refused it."""

log = structlog.get_logger()


class ShardCommands:
    """Commands to the shards of one database server that this process owns."""

    def __init__(self, server: ShardServer, buffer: InFlightBuffer) -> None:
        self._server = server
        self._buffer = buffer
        self._lock = threading.Lock()
        self._pending: dict[int, None] = {}
        """Ordered set of shards: they take turns, one slice of a command each."""
        self._skipped_until: dict[int, float] = {}
        """Ids of commands that failed, and the monotonic time in seconds of the next attempt; one
        that this process cannot understand is left to the next owner."""

    def add(self, shards: Iterable[int]) -> None:
        """Add shards that have commands; may be called from any thread."""
        with self._lock:
            self._pending.update(dict.fromkeys(shards))

    @property
    def has_pending(self) -> bool:
        """Return whether a command can be executed at once."""
        return bool(self._pending)

    def next_shard(self) -> OwnedShard | None:
        """Remove and return the owned shard that was added first."""
        with self._lock:
            while self._pending:
                shard = next(iter(self._pending))
                del self._pending[shard]
                owned = self._buffer.owned(shard)
                if owned is not None:
                    return owned
        return None

    def execute_next(self, writes: ShardWrites) -> set[int] | None:
        """Execute a slice of the next possible command, in the transaction of `writes`.

        Returns the shards that turned out to have another owner. None: there was no command, or
        each one has to wait for messages that are held.

        Raises:
            RetryLater: the database is down; CommitUnknown is one such error.
        """
        with self._buffer.admission_lock:
            if not self._server.is_main and (fenced := self._copy_from_main(writes)) is not None:
                return fenced
            command, held = self._next_command(writes.owned)
            if command is None:
                return None
            try:
                with self._server.own.transaction() as own, self._server.beside(own) as cursors:
                    fenced = transaction.write(own, [writes]).fenced
                    if not fenced:
                        HANDLERS[command.kind](cursors, command, held)
            except (StatementRefused, DriverError) as error:
                # One invalid command must not stop what the shard sends and records.
                self._skip(command, error, REFUSED_FOR)
                return None
            except (LookupError, TypeError, ValueError) as error:
                self._skip(command, error, math.inf)
                return None
            self._skipped_until.pop(command.id, None)
        return fenced

    def _copy_from_main(self, writes: ShardWrites) -> set[int] | None:
        """Copy the main server's commands for a shard of another server; None: there are none."""
        shard = writes.owned.shard
        with self._server.reading(Proof.NOW) as cursors:
            commands = read_commands(cursors.main, shard, MAX_READ)
            if not commands:
                return None
            # Without these: a former owner may delete one of them between the two reads.
            copied = {command.id for command in commands}
            settled = forwarding.settled_notes(cursors, shard) - copied
        campaigns = {command.campaign_id for command in commands}
        _withdraw_erased(commands, {c: self._buffer.held_messages(shard, c) for c in campaigns})
        with self._server.own.transaction() as cursor:
            fenced = transaction.write(cursor, [writes]).fenced
            if not fenced:
                forwarding.forget_notes(cursor, shard, settled)
                forwarding.copy_requests(cursor, commands)
        if not fenced:
            self._delete_copied([command.id for command in commands])
        return fenced

    def _delete_copied(self, command_ids: list[int]) -> None:
        try:
            with self._server.main.transaction() as cursor:
                forwarding.delete_copied(cursor, command_ids)
        except RetryLater as error:
            # The copies exist and are not made a second time; the next turn deletes these rows.
            log.warning("copied shard commands not deleted", error=str(error))

    def _next_command(
        self, owned: OwnedShard
    ) -> tuple[ShardCommand | None, HeldSeqs | Collection[MessageKey]]:
        with self._server.own.reading(proof=Proof.NOW) as cursor:
            commands = read_commands(cursor, owned.shard, MAX_READ)
        campaigns = {command.campaign_id for command in commands}
        held_of = {c: self._buffer.held_messages(owned.shard, c) for c in campaigns}
        _withdraw_erased(commands, held_of)
        blocked: set[CampaignId] = set()
        for command in sorted(commands, key=_is_not_erasure):
            campaign_id = command.campaign_id
            held = held_of[campaign_id]
            if campaign_id not in blocked and self._can_execute(command, held):
                if command.kind == CommandKind.RECEIPTS:
                    return command, self._withdraw_reported(command)
                return command, held
            if _is_not_erasure(command):
                blocked.add(campaign_id)
        return None, ()

    def _withdraw_reported(self, command: ShardCommand) -> set[MessageKey]:
        """Stop repetitions of messages that were sent by their receipts; return what is held.

        What is held without a doubt has its only send here: its result comes first.

        Raises:
            RetryLater: the database is down.
        """
        reported = named_messages(command)
        held: set[MessageKey] = set()
        doubted: list[Message] = []
        for campaign_id in {key.campaign_id for key in reported}:
            messages = self._buffer.held_messages(command.shard, campaign_id)
            for seq, message in messages.items():
                key = MessageKey(campaign_id, seq)
                if key in reported:
                    held.add(key)
                    if message.in_doubt and message.generation == reported[key]:
                        doubted.append(message)
        if doubted:
            with self._server.own.reading(proof=Proof.NOW) as cursor:
                receipts = read_receipts(cursor, [place_of(one) for one in doubted], {})
            for message in doubted:
                if is_reported(message, receipts):
                    message.withdrawn = True
        return held

    def _can_execute(self, command: ShardCommand, held: HeldSeqs) -> bool:
        if now() < self._skipped_until.get(command.id, 0.0):
            return False
        if command.kind not in HANDLERS:
            self._skip(command, "unknown kind", math.inf)
            return False
        if command.kind == CommandKind.SETTLE_CANCELLED:
            return not held
        if command.kind == CommandKind.ERASE:
            seqs = _seqs_of(command)
            return not seqs or any(seq not in held for seq in seqs)
        return True

    def _skip(self, command: ShardCommand, why: object, seconds: float) -> None:
        if command.id not in self._skipped_until:
            log.error(
                "shard command skipped", command=command.id, kind=command.kind, reason=str(why)
            )
        self._skipped_until[command.id] = now() + seconds


def _is_not_erasure(command: ShardCommand) -> bool:
    return command.kind != CommandKind.ERASE


def _seqs_of(command: ShardCommand) -> Collection[int]:
    seqs: Collection[int] = command.arguments.get("seqs", ())
    return seqs


def _withdraw_erased(
    commands: Iterable[ShardCommand], held_of: Mapping[CampaignId, Mapping[int, Message]]
) -> None:
    """Stop the sends of messages that are held for recipients to be erased."""
    for command in commands:
        if command.kind == CommandKind.ERASE:
            held = held_of[command.campaign_id]
            for seq in _seqs_of(command):
                if seq in held:
                    held[seq].withdrawn = True
