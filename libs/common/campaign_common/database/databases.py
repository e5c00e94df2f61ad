"""All database servers of an installation."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from pymysql.cursors import Cursor

from campaign_common.database.pool import Database
from campaign_common.per_server import PerServer
from campaign_common.settings import Settings
from campaign_common.store import Cursors


class Databases(PerServer[Database]):
    """The main server, and those that hold shards.

    With a shard live its ledger, counters, claim, retries, suspects, late results and orders;
    everything else lives on the main server.
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
        return cls(tuple(map(Database, [settings.mysql, *others])), holders)

    @contextmanager
    def reading(self, main: Cursor | None = None) -> Iterator[Cursors]:
        """Run the block outside of any transaction, with a cursor on every server.

        `main`: the cursor of a transaction on the main server, which is used there.

        Raises:
            RetryLater: one of them is away.
        """
        with ExitStack() as stack:

            def cursor_on(database: Database) -> Cursor:
                if main is not None and database is self.main:
                    return main
                return stack.enter_context(database.reading())

            yield self.each(cursor_on)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for database in self.all:
            database.close()
