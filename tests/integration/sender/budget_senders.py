"""Several senders that lease budgets, with a clock that the test moves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace
from pymysql.cursors import Cursor

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.money_grants import KEPT_FOR
from campaign_common.store.core.budgets import (
    lock_budget,
    read_budget,
)
from campaign_common.store.core.campaigns import CampaignVersion, read_versions
from campaign_common.store.core.events import read_events
from campaign_sender.limiting.budget_leases import BUDGET_TURN, BudgetLeases
from campaign_sender.message import Message
from tests.integration.sender.scene import Scene
from tests.unit.sender.messages import CAMPAIGN, message

PRICE = Price("EUR", Decimal("0.07"), {"139": Decimal("0.035")})


COST = Decimal("0.035")


KEPT_TURNS = int(KEPT_FOR / BUDGET_TURN) + 2


HUNDRED = Budget(COST * 100, "EUR")


class Sender:
    """Leases of one sender, and the messages that wait in it for money."""

    def __init__(
        self, scene: Scene, name: str, on_money: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self.unfunded: Sequence[Message] = ()
        self.in_hand: set[CampaignId] = set()
        prices = {"simulated": PRICE}
        self.leases = BudgetLeases(
            scene.database,
            name,
            prices,
            lambda: self.unfunded,
            on_money,
            clock,
            lambda: self.in_hand,
        )

    def reserve(self, *messages: Message) -> list[Message]:
        """Return the messages for which there is money; the first other one waits."""
        funded, short = self.leases.reserve(list(messages))
        self.unfunded = short[:1]
        return funded


class Senders:
    """Several senders, with a clock that the test moves."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = 100.0
        self.woken = 0
        self.all = [self.one(f"sender-{n}") for n in range(2)]

    def one(self, name: str) -> Sender:
        return Sender(self.scene, name, self._wake, lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def turn(self, *senders: Sender, times: int = 1) -> None:
        for _ in range(times):
            self.now += BUDGET_TURN
            for sender in senders or self.all:
                sender.leases.turn()
                sender.leases.pause_used_up()

    def send_all(self, *senders: Sender, before: int = 0) -> int:
        """Let senders reserve all that a hundred messages cost; return the number of those sent."""
        sent = before
        for _ in range(20):
            if sent >= 100:
                break
            for sender in senders:
                sent += len(sender.reserve(*(budgeted(n) for n in range(40))))
            self.turn(*senders)
        return sent

    def taken(self, campaign_id: int = CAMPAIGN) -> Decimal:
        with self.scene.database.reading() as cursor:
            budget = read_budget(cursor, CampaignId(campaign_id))
        assert budget is not None
        return budget.taken

    @contextmanager
    def locked(self, campaign_id: int) -> Iterator[None]:
        """Lock the budget of a campaign, as another session does that is stopped."""
        with Database.transaction(self.scene.database) as cursor:
            lock_budget(cursor, CampaignId(campaign_id))
            yield

    @contextmanager
    def counted(self) -> Iterator[list[None]]:
        """Count the statements of the leases, each of which has a session of its own."""
        statements: list[None] = []
        reading = self.scene.database.reading

        def count() -> AbstractContextManager[Cursor]:
            statements.append(None)
            return reading()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.scene.database, "reading", count)
            yield statements

    def version(self) -> CampaignVersion:
        with self.scene.database.reading() as cursor:
            return read_versions(cursor, [CAMPAIGN])[CAMPAIGN]

    def state(self) -> str:
        with self.scene.database.reading() as cursor:
            cursor.execute("SELECT state FROM campaigns")
            ((state,),) = cursor.fetchall()
        return str(state)

    def pauses(self) -> list[tuple[str, str | None]]:
        with self.scene.database.reading() as cursor:
            events = read_events(cursor, CAMPAIGN, after_id=0, limit=100)
        return [(e.actor, e.reason) for e in events if e.to_state == CampaignState.PAUSED]


def budgeted(seq: int, *, campaign_id: int = CAMPAIGN, phone: str = "139000001") -> Message:
    one = message(seq, campaign_id=campaign_id)
    one.record = replace(one.record, phone=phone)
    one.budget = "EUR"
    return one
