"""Budget of a campaign whose sender is far from its database."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.price import Price
from campaign_common.dsn import parse_dsn
from campaign_common.runtime.boot_time import boot_time
from campaign_common.settings import MysqlSettings
from campaign_common.store.core.budgets import insert_budget
from campaign_sender.limiting.budget_leases import BudgetLeases
from campaign_sender.message import Message
from tests.chaos.relay import Relay, dsn_at, relay_to
from tests.integration.sender.scene import SHARDS, FaultyDatabase, Scene
from tests.support.waiting import wait_until
from tests.unit.sender.messages import CAMPAIGN, message

BURST = 40
ONE_WAY = 0.1


class DistantSender:
    """A recorder that works by hand, and budget leases that run, behind a relay."""

    def __init__(self, database: FaultyDatabase) -> None:
        price = Price("EUR", Decimal("0.07"), {})
        self.leases = BudgetLeases(
            database, "sender", {"collected": price}, self._waiting, self._queue, boot_time
        )
        self.scene = Scene(database, funds=self.leases)
        self._seq = 10

    def _waiting(self) -> list[Message]:
        return self.scene.buffer.first_unfunded()

    def _queue(self) -> None:
        self.scene.buffer.queue_unfunded()

    def burst(self) -> int:
        """Let the recorder choose from as many messages as a burst has; return how many it sends.

        Those that were sent before have their results in the same transaction.
        """
        scene, before = self.scene, len(self.scene.provider.submitted)
        waiting = scene.buffer.admitted("collected")
        fetched = [self._message() for _ in range(BURST - waiting)]
        scene.answer(*scene.provider.submitted[-BURST:])
        scene.fetch(*fetched)
        scene.guard.refresh()
        scene.cycle()
        return len(scene.provider.submitted) - before

    def _message(self) -> Message:
        self._seq += 1
        shard = self._seq % SHARDS
        one = message(self._seq, shard=shard, partition=shard, offset=self._seq)
        one.budget = "EUR"
        return one


@pytest.fixture
def relay(database: str) -> Iterator[Relay]:
    with relay_to(parse_dsn(database).port) as relay:
        yield relay


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_money_lasts_until_the_next_transaction(scene: Scene, database: str, relay: Relay) -> None:
    """That takes seconds, and what one burst used is there for the next one."""
    scene.change(lambda c: insert_budget(c, CAMPAIGN, Budget(Decimal(10_000), "EUR")))
    far = FaultyDatabase(MysqlSettings(dsn=parse_dsn(dsn_at(relay.port, database))))
    far.faults = []
    sender = DistantSender(far)
    sender.leases.start()
    try:
        wait_until(lambda: sender.burst() >= BURST, timeout=20)
        relay.delay(ONE_WAY)
        sender.burst()
        assert min(sender.burst() for _ in range(3)) >= BURST
    finally:
        relay.delay(0)
        sender.leases.stop()
        far.close()
