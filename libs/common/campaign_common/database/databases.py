"""All database servers of an installation."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.by_server import ByServer
from campaign_common.database.cursors import Cursors, ShardCursors
from campaign_common.database.pool import Database, Proof
from campaign_common.settings import Settings


class ShardServer(NamedTuple):
    """A server that holds shards, and the main one, which knows campaigns and partition map."""

    own: Database
    main: Database

    @property
    def is_main(self) -> bool:
        """Return whether the shards live on the main server itself."""
        return self.own is self.main

    @contextmanager
    def reading(self, proof: Proof = Proof.RECENTLY) -> Iterator[ShardCursors]:
        """Run the block outside of any transaction.

        Raises:
            RetryLater: one of the two is away, or is read-only against `proof`.
        """
        with self.own.reading(proof=proof) as own, self.beside(own, proof) as cursors:
            yield cursors

    @contextmanager
    def beside(self, own: Cursor, proof: Proof = Proof.NOW) -> Iterator[ShardCursors]:
        """Read on the main server what a transaction on the shard's wants to know.

        Raises:
            RetryLater: the main server is away, or is read-only against `proof`.
        """
        if self.is_main:
            yield ShardCursors(own, own)
        else:
            with self.main.reading(proof=proof) as main:
                yield ShardCursors(own, main)


class Databases(ByServer[Database]):
    """The main server, and those that hold shards.

    With a shard live its ledger, counters, claim, retries, possibly sent messages, late
    results and shard commands; everything else lives on the main server.
    """

    @classmethod
    def configured(cls, settings: Settings) -> "Databases":
        """Make pools for every server; as for `Database`, after the process has forked."""
        others = [replace(settings.mysql, dsn=server.dsn) for server in settings.mysql_shards]
        holders = {
            shard: place
            for place, server in enumerate(settings.mysql_shards, start=1)
            for shard in server.shards
        }
        return cls(
            tuple(Database(one, one_of_several=bool(others)) for one in (settings.mysql, *others)),
            holders,
        )

    @contextmanager
    def reading(
        self, main: Cursor | None = None, proof: Proof = Proof.RECENTLY
    ) -> Iterator[Cursors]:
        """Run the block outside of any transaction, with a cursor on every server.

        `main`: the cursor of a transaction on the main server, which is used there.

        Raises:
            RetryLater: one of them is away, or is read-only against `proof`.
        """
        with ExitStack() as stack:

            def cursor_on(database: Database) -> Cursor:
                if main is not None and database is self.main:
                    return main
                return stack.enter_context(database.reading(proof=proof))

            yield self.each(cursor_on)

    def server_of(self, shard: int) -> ShardServer:
        """Put the server that holds a shard beside the main one."""
        return ShardServer(self.of_shard(shard), self.main)

    def shard_servers(self) -> ByServer[ShardServer]:
        """Put each server beside the main one."""
        return self.each(lambda database: ShardServer(database, self.main))

    def close(self) -> None:
        """Close the idle connections."""
        for database in self.all:
            database.close()
