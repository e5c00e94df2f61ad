"""A running API with campaigns whose messages were sent, and what is stored of their receipts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from local_stack.ports import free_port
from tests.e2e.callbacks.gateways import BY_REFERENCE, CONFIGURATION, Sent
from tests.e2e.seeded import Seeds
from tests.support.keys import bearer, make_key
from tests.support.scraping import Scrape
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api, write_configuration

SHARDS = 2

Row = tuple[Any, ...]


class Ports(NamedTuple):
    """The ports of the API beside its own."""

    callbacks: int
    metrics: int


class CallbackScene:
    """An API, and the database behind it."""

    def __init__(
        self, api: ApiService, database: Database, ports: Ports, sent: list[Sent], key: ApiKey
    ) -> None:
        self.api = api
        self.database = database
        self.ports = ports
        self._headers = bearer(key)
        self.sent = sent
        """Messages of a finished campaign that the provider BY_REFERENCE has sent."""

    @property
    def callback_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.callbacks}"

    def get(self, path: str) -> requests.Response:
        """Ask the API for what a client with a key may read."""
        return requests.get(self.api.url + path, headers=self._headers, timeout=60)

    def metric(self, name: str, **labels: str) -> float:
        return Scrape.of(self.ports.metrics).sum(name, **labels)

    def stored(self) -> dict[tuple[int, int], ReceiptRank]:
        """Return the ranks of all receipts by campaign and number."""
        rows: list[Row] = []
        for shard in range(SHARDS):
            rows += self._rows(f"SELECT campaign_id, seq, receipt_rank FROM receipts_{shard}")
        return {(campaign, seq): ReceiptRank(rank) for campaign, seq, rank in rows}

    def inbound(self) -> list[str]:
        """Return the ids that providers have given to the inbound messages, in their order."""
        rows = self._rows("SELECT provider_message_id FROM inbound_messages")
        return sorted(message_id for (message_id,) in rows)

    def counted(self) -> dict[ReceiptRank, int]:
        """Return the counters of all campaigns by rank, as far as there are some."""
        rows = self._rows(
            "SELECT receipt_rank, CAST(SUM(n) AS SIGNED) FROM receipt_counters"
            " GROUP BY receipt_rank HAVING SUM(n) <> 0"
        )
        return {ReceiptRank(rank): n for rank, n in rows}

    def bounced(self) -> list[Row]:
        """Return campaign and number of the messages that are listed as hard bounces."""
        return self._rows("SELECT campaign_id, seq FROM bounced_receipts")

    def forget(self) -> None:
        """Delete all receipts and inbound messages."""
        tables = (*(f"receipts_{shard}" for shard in range(SHARDS)), "receipt_counters")
        with self.database.reading() as cursor:
            others = ("open_receipts", "bounced_receipts", "inbound_messages")
            for table in (*tables, *others):
                cursor.execute(f"DELETE FROM {table}")

    def _rows(self, query: str) -> list[Row]:
        with self.database.reading() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


def ledger(database: Database, campaign: int) -> Iterable[Sent]:
    """Name the messages of a campaign whose outcome is `sent`."""
    with database.reading() as cursor:
        for shard in range(SHARDS):
            cursor.execute(
                f"SELECT seq, generation FROM messages_{shard} WHERE campaign_id = %s"
                " AND status = 1",
                (campaign,),
            )
            for seq, generation in cursor.fetchall():
                yield Sent(campaign, seq, shard, generation)


@contextmanager
def callback_scene(
    folder: Path,
    dsn: str,
    people: int = 200,
    **keys: Any,  # noqa: ANN401 - any YAML
) -> Iterator[CallbackScene]:
    """Run an API on the schema that `dsn` names, which is empty, for the time of the block."""
    ports = Ports(free_port(), free_port())
    configuration = write_configuration(
        folder,
        keys.pop("Dsn", dsn),
        **{
            **CONFIGURATION,
            "CallbackPort": ports.callbacks,
            "MetricsPort": ports.metrics,
            "MsgTableShardingSize": SHARDS,
            **keys,
        },
    )
    database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    make_current(database, SHARDS)
    key = make_key(database, Scope.ADMIN)
    with running_api(configuration) as api:
        seeds = Seeds(api.url, bearer(key), database)
        campaign, _ = seeds.large(people)
        with database.reading() as cursor:
            cursor.execute("SELECT provider FROM campaigns WHERE id = %s", (campaign,))
            assert cursor.fetchone() == (BY_REFERENCE,)
        yield CallbackScene(api, database, ports, sorted(ledger(database, campaign)), key)
    database.close()
