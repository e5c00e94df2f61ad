"""A recorder whose cycles a test runs by hand, on a real database that may fail."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any

from pymysql.cursors import Cursor

from campaign_common.database import Cursors, Database, ShardServer
from campaign_common.database.by_server import ByServer
from campaign_common.domain.claim import decode_claim
from campaign_common.domain.content.campaign_content import ANY_CONTENT, ContentSupport
from campaign_common.domain.content.price import Price
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import CommitUnknown, DatabaseUnavailable
from campaign_common.settings import RetrySettings
from campaign_common.store.core.counters import counts
from campaign_common.store.shards.claims import read_claims
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.funds import Funds
from campaign_sender.message import Message
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups
from campaign_sender.ownership.takeover import take_over
from campaign_sender.recording.outcome_policy import OutcomePolicy
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands
from tests.unit.sender.messages import CAMPAIGN, message

SHARDS = 2
MAP = PartitionMap("Sync-Msg-T", "topic-id", 1, SHARDS, MapState.ACTIVE)

INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, epoch, shards,
                       last_seq, created_at)
VALUES (%s, '', '', 1, 'at_least_once', 'collected', 'running', %s, 2, 1000, NOW(6))
"""


class FaultyDatabase(Database):
    """A database whose next transactions end as `faults` says, one after the other."""

    faults: list[str | Exception]

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Cursor]:
        fault = self.faults.pop(0) if self.faults else "none"
        if isinstance(fault, Exception):
            raise fault
        if fault == "away":
            raise DatabaseUnavailable("away")
        try:
            with super().transaction(timeout=timeout) as cursor:
                yield cursor
                if fault == "answer lost, rolled back":
                    raise _RolledBack
        except _RolledBack:
            raise CommitUnknown("no answer") from None
        if fault == "answer lost, committed":
            raise CommitUnknown("no answer")


class _RolledBack(Exception):
    pass


class CollectingProvider:
    """Takes messages, and reports results when the test says so."""

    name = "collected"
    connections: int | None = None
    idempotent = False
    window = inf
    support: ContentSupport = ANY_CONTENT
    price: Price | None = None
    account_digest = None
    problem = None
    alive = True

    @property
    def idempotent_for(self) -> float:
        return self.window if self.idempotent else 0.0

    def __init__(self) -> None:
        self.submitted: list[Message] = []

    def submit(self, messages: Sequence[Message], *, first: bool = False) -> None:  # noqa: ARG002
        self.submitted.extend(messages)

    def close(self) -> None:
        pass


class Scene:
    """A recorder whose cycles the test runs by hand.

    `main`: the main server, where that is another one than the shards' `database`. `funds`: money
    of campaigns with a budget.
    """

    def __init__(
        self,
        database: FaultyDatabase,
        main: FaultyDatabase | None = None,
        routes: Routes | None = None,
        funds: Funds | None = None,
    ) -> None:
        self.database = database
        self.buffer = InFlightBuffer(in_flight=100, batch_size=100, funds=funds)
        self.provider = CollectingProvider()
        self.server = ShardServer(database, main or database)
        guard = self.guard = SendGuard(self.server, "Sync-Msg-T", self.buffer)
        self.dispatcher = Dispatcher(funds=funds)
        self.commands = ShardCommands(self.server, self.buffer)
        choice = self.choice = ProviderChoice(
            routes or Routes(), self.dispatcher.is_resting, self.dispatcher.idempotent_for
        )
        policy = OutcomePolicy(RetrySettings(), choice, self.dispatcher.idempotent_for)
        self.recorder = Recorder(
            self.server, self.buffer, self.dispatcher, guard, self.commands, policy
        )
        group = ShardGroup(
            self.server, self.buffer, guard, self.admitter(), self.recorder, self.commands
        )
        self.dispatcher.connect(ShardGroups(ByServer((group,))))
        self.dispatcher.add(
            self.provider.name, CircuitBreaker(BreakerPolicy(), monotonic), lambda *_: self.provider
        )
        for shard in range(SHARDS):
            self.take_over(shard)
        self.fetch(message(1), message(2, shard=1, partition=1))
        guard.refresh()

    def admitter(
        self,
        choice: ProviderChoice | None = None,
        unready: Callable[[str], str | None] = lambda _: None,
    ) -> BatchAdmitter:
        """Make an admitter of messages that are fetched."""
        chosen = choice or self.choice
        return BatchAdmitter(self.server, MAP.topic, self.buffer, self.guard, chosen, unready)

    def take_over(self, shard: int) -> None:
        with Database.transaction(self.database) as own, self.server.beside(own) as cursors:
            owned, _ = take_over(
                cursors, shard, MAP, owner_token=b"token of a test!", owner_name="t"
            )
        self.buffer.add_shard(owned)

    def fetch(self, *messages: Message) -> None:
        for fetched in messages:
            owned = self.buffer.owned(fetched.record.shard)
            assert owned is not None
            fetched.epoch = owned.epoch
            fetched.provider = self.provider.name
            self.buffer.track(owned, [fetched.offset])
        self.buffer.admit(messages, [], [])

    def lose_to_another(self, shard: int) -> None:
        """Let another sender take a shard over, and come back as its next owner."""
        lost = self.buffer.owned(shard)
        assert lost is not None
        self.buffer.drop_shard(lost)
        self.take_over(shard)

    def change(self, work: Callable[[Cursor], object]) -> None:
        """Change the main database as another process does."""
        with Database.transaction(self.server.main) as cursor:
            work(cursor)

    def execute_commands(self, cycles: int = 1) -> None:
        """Add every shard as one with commands, as a refresh does, and give each its turn."""
        for _ in range(cycles):
            self.commands.add(range(SHARDS))
            for _ in range(SHARDS):
                self.cycle()

    def open_commands(self) -> int:
        return self.commands_on(self.database)

    def commands_on(self, database: Database) -> int:
        with database.reading() as cursor:
            cursor.execute("SELECT id FROM shard_commands WHERE campaign_id = %s", (CAMPAIGN,))
            return len(cursor.fetchall())

    def rows(self, columns: str, table: str = "messages") -> list[tuple[Any, ...]]:
        """Read columns of a table of every shard, in the order of the messages."""
        tables = " UNION ALL ".join(f"SELECT * FROM {table}_{n}" for n in range(SHARDS))
        with self.database.reading() as cursor:
            cursor.execute(f"SELECT {columns} FROM ({tables}) t ORDER BY seq")
            return list(cursor.fetchall())

    def cycle(self) -> None:
        self.dispatcher.dispatch(self.recorder._run_once())

    def answer(self, *messages: Message) -> None:
        self.buffer.add_results([SendResult(m, SendStatus.ACCEPTED, "id") for m in messages])

    def submitted(self) -> list[int]:
        return sorted(m.record.seq for m in self.provider.submitted)

    def claimed(self) -> list[int]:
        with self.database.reading() as cursor:
            rows = read_claims(cursor).values()
        return sorted(c.seq for row in rows for c in decode_claim(row.claimed))

    def recorded(self) -> dict[int, int]:
        tables = " UNION ALL ".join(f"SELECT seq, status FROM messages_{n}" for n in range(SHARDS))
        with self.database.reading() as cursor:
            cursor.execute(tables)
            return dict(cursor.fetchall())

    def counts(self) -> dict[Status, int]:
        """The campaign's counters, zeros left out."""
        with self.database.reading() as cursor:
            return {status: n for status, n in counts(Cursors((cursor,)), CAMPAIGN).items() if n}

    def counted(self) -> int:
        with self.database.reading() as cursor:
            cursor.execute("SELECT COALESCE(SUM(n), 0) FROM campaign_counters")
            ((n,),) = cursor.fetchall()
        return int(n)
