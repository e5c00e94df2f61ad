"""Budget leases: this sender's part of the budgets of the campaigns that it sends for."""

import threading
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import cost_of
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.money_grants import (
    NOTHING,
    SMALLEST,
    LongestGap,
    MoneyGrants,
    WantedChange,
)
from campaign_common.errors import RetryLater
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart
from campaign_common.store.core.budgets import BUDGET_LOST
from campaign_sender.in_flight.funds import Reserved
from campaign_sender.limiting.budget_rows import BudgetRows
from campaign_sender.limiting.used_up_budgets import UsedUpBudgets
from campaign_sender.message import Message

BUDGET_TURN = 0.125
"""Seconds between two turns: what is held lasts for two of them."""

SHORTEST_BUDGET_TURN = 0.02
"""Seconds between two turns while a message waits for money."""

IN_HAND_FOR = 1.0
"""Seconds for which it is remembered of which campaigns there are messages."""

_BUDGET = attrgetter("budget")

log = structlog.get_logger()


class BudgetTurn(NamedTuple):
    """Changes of one turn."""

    costs: Mapping[CampaignId, Decimal]
    """Cost of the message that waits, of each campaign that has one."""
    takes: Mapping[CampaignId, WantedChange]
    returns: Mapping[CampaignId, Decimal]
    unchanged: Collection[CampaignId]
    """Campaigns with money that is neither more nor less than wanted."""
    seconds: float
    """Time since the turn before."""


class BudgetLeases(ThreadedPart):
    """Money of each campaign with a budget that this sender sends for, and the threads that lease.

    It is reserved for a message before that is claimed, and given back where it did not start, so
    that sends never cost more than the budget. What is held lasts for 0.25 s or for two turns, or
    for twice the largest burst of reservations, and is returned when it is not needed, when the
    budget is lowered below what is taken, and in an orderly stop. A campaign whose budget is used
    up is paused, by a thread of its own. Campaigns whose rows are locked by others have turns in
    another one, so that they hold up none.
    """

    def __init__(
        self,
        database: Database,
        sender: str,
        prices: Mapping[str, Price | None],
        waiting: Callable[[], Iterable[Message]],
        on_money: Callable[[], None],
        clock: Callable[[], float],
        in_hand: Callable[[], Collection[CampaignId]] = tuple,
    ) -> None:
        """Take the parts of a sender.

        Args:
            database: the main one.
            sender: name of this sender, for events.
            prices: price of each configured provider.
            waiting: returns the first message of each campaign that waits for money.
            on_money: called when there is money for one of them.
            clock: local time in seconds.
            in_hand: returns the campaigns of which this sender has messages.
        """
        self._prices = prices
        self._waiting = waiting
        self._on_money = on_money
        self._clock = clock
        self._look_in_hand = in_hand
        self._in_hand: Collection[CampaignId] = ()
        self._looked_at = -IN_HAND_FOR
        self._cycle = LongestGap(clock())
        self._lock = threading.Lock()
        self._grants: dict[CampaignId, MoneyGrants] = {}
        self._locked: set[CampaignId] = set()
        """Campaigns whose rows others had locked when they were asked last."""
        self._used_up = UsedUpBudgets(database, sender)
        self._is_short = threading.Event()
        self._stop = threading.Event()
        self._rows = {False: BudgetRows(database), True: BudgetRows(database, only_free=True)}
        self._turned_at = {False: clock(), True: clock()}
        super().__init__(
            IndispensableThread("budget-leases", partial(self._run, locked=False)),
            IndispensableThread("locked-budgets", partial(self._run, locked=True)),
            IndispensableThread("used-up-budgets", self._run_pauses),
        )

    def stop(self) -> None:
        """Stop the threads, and return what is held."""
        self._stop.set()
        self._is_short.set()
        self._join()
        self.return_all()

    def return_all(self) -> None:
        """Return what is held to the budgets, in an orderly stop; goes on after an error."""
        with self._lock:
            held = {one: grants.surrender() for one, grants in self._grants.items() if grants.held}
        left = self._rows[False].give_back(held, waits=True)
        if left:
            log.warning("money of budgets not returned", campaigns=sorted(left))

    # --- used by the buffers and the dispatcher -------------------------------------------

    def reserve(self, messages: list[Message], waiting: Container[CampaignId] = ()) -> Reserved:
        """Reserve the cost of each message that is to be claimed.

        After the first message of a campaign that can not be paid for, later ones wait too.
        `waiting`: campaigns of which messages wait already.
        """
        if not any(map(_BUDGET, messages)):
            return Reserved(messages, ())
        funded: list[Message] = []
        short: list[Message] = []
        lacking: dict[CampaignId, int] = {}
        with self._lock:
            for message in messages:
                campaign_id = message.key.campaign_id
                waits = message.budget and (campaign_id in lacking or campaign_id in waiting)
                if not waits and self._reserve(message):
                    funded.append(message)
                else:
                    lacking[campaign_id] = lacking.get(campaign_id, 0) + 1
                    short.append(message)
            for campaign_id, n in lacking.items():
                if campaign_id in self._grants and campaign_id not in waiting:
                    self._grants[campaign_id].note_lacking(n)
        if short:
            self._is_short.set()
        return Reserved(funded, short)

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give back what is reserved for messages that do not start."""
        with self._lock:
            for message in messages:
                if message.reserved is not None:
                    self._grants_of(message.key.campaign_id).give_back(message.reserved)
                    message.reserved = None

    def note_transaction(self, seconds: float) -> None:
        """Note how long a transaction of a recorder took: what is held must last for the next."""
        with self._lock:
            self._cycle.note(self._clock(), seconds)

    def _reserve(self, message: Message) -> bool:
        cost = self._cost_of(message)
        if cost is None:
            return True
        is_lost = message.budget == BUDGET_LOST
        if is_lost or not self._grants_of(message.key.campaign_id).reserve(cost):
            return False
        message.reserved = cost
        return True

    def _cost_of(self, message: Message) -> Decimal | None:
        """Return what a message costs of a budget; None: nothing.

        One whose provider is not configured here is not sent.
        """
        if message.budget is None:
            return None
        if message.budget == BUDGET_LOST:
            return SMALLEST
        price = self._prices.get(message.provider)
        return None if price is None else cost_of(message.record, price).amount

    def _grants_of(self, campaign_id: CampaignId) -> MoneyGrants:
        grants = self._grants.get(campaign_id)
        if grants is None:
            grants = self._grants[campaign_id] = MoneyGrants(self._clock())
        return grants

    # --- leasing --------------------------------------------------------------------------

    def turn(self, *, locked: bool = False) -> None:
        """Take what is missing of each budget, and return what is not needed.

        Args:
            locked: for the campaigns whose rows others had locked, or for all others.

        Raises:
            RetryLater: the database is down; what is held stays valid.
        """
        if locked and not self._locked:
            return
        rows = self._rows[locked]
        turn = self._begin_turn(rows, locked=locked)
        try:
            self._hold(rows.give_back(turn.returns))
            missed = set(turn.takes)
            for taken in rows.take(turn.takes):
                self._hold(taken)
                missed -= taken.keys()
            self._watch(rows, turn, missed.union(turn.unchanged))
        finally:
            with self._lock:
                asked = turn.takes.keys() | turn.returns.keys()
                self._locked = (self._locked - asked) | rows.take_failed()
            if self._note_covered(turn.costs):
                self._on_money()

    def _begin_turn(self, rows: BudgetRows, *, locked: bool) -> BudgetTurn:
        """Decide what changes; what is returned is not held any more."""
        costs = self._waiting_costs()
        in_hand = self._campaigns_in_hand() if self._grants else ()
        takes: dict[CampaignId, WantedChange] = {}
        returns: dict[CampaignId, Decimal] = {}
        unchanged: list[CampaignId] = []
        with self._lock:
            now = self._clock()
            cycle = self._cycle.at(now)
            seconds, self._turned_at[locked] = now - self._turned_at[locked], now
            for campaign_id in costs:
                self._grants_of(campaign_id)
            for campaign_id, grants in list(self._grants.items()):
                if (campaign_id in self._locked) != locked:
                    continue
                is_in_hand = campaign_id in in_hand
                if grants.is_idle and campaign_id not in costs and not is_in_hand:
                    del self._grants[campaign_id]
                    self._locked.discard(campaign_id)
                    rows.forget(campaign_id)
                    self._used_up.forget(campaign_id)
                    continue
                wanted = grants.begin_turn(
                    now,
                    costs.get(campaign_id, NOTHING),
                    cycle=cycle,
                    in_hand=is_in_hand,
                )
                if wanted.amount > 0:
                    takes[campaign_id] = wanted
                elif wanted.amount < 0:
                    returns[campaign_id] = grants.surrender(-wanted.amount)
                else:
                    unchanged.append(campaign_id)
        return BudgetTurn(costs, takes, returns, unchanged, seconds)

    def _campaigns_in_hand(self) -> Collection[CampaignId]:
        """Return the campaigns of which there are messages, as looked up once in a while."""
        now = self._clock()
        if now - self._looked_at >= IN_HAND_FOR:
            self._in_hand, self._looked_at = self._look_in_hand(), now
        return self._in_hand

    def _waiting_costs(self) -> dict[CampaignId, Decimal]:
        """Return the cost of the first message that waits, by campaign; of several, the highest."""
        costs: dict[CampaignId, Decimal] = {}
        for message in self._waiting():
            cost = self._cost_of(message)
            if cost is not None:
                campaign_id = message.key.campaign_id
                costs[campaign_id] = max(cost, costs.get(campaign_id, cost))
        return costs

    def _hold(self, amounts: Mapping[CampaignId, Decimal]) -> None:
        with self._lock:
            for campaign_id, amount in amounts.items():
                self._grants_of(campaign_id).add(amount)

    def _watch(
        self, rows: BudgetRows, turn: BudgetTurn, campaign_ids: Collection[CampaignId]
    ) -> None:
        """Return the money of campaigns whose budget is exceeded, or does not cover a message.

        A budget may have been lowered. What does not pay for the message that waits may do so for
        one of another sender.
        """
        budgets = rows.read(campaign_ids)
        now = self._clock()
        surplus: dict[CampaignId, Decimal] = {}
        uncovered: dict[CampaignId, float] = {}
        with self._lock:
            for campaign_id in campaign_ids:
                budget, grants = budgets.get(campaign_id), self._grants_of(campaign_id)
                available = grants.held + (NOTHING if budget is None else budget.left)
                is_uncovered = available < turn.costs.get(campaign_id, NOTHING)
                if budget is not None:
                    grants.note_left(budget.left)
                if is_uncovered:
                    uncovered[campaign_id] = grants.kept_for
                if is_uncovered or budget is None or budget.taken > budget.amount:
                    surplus[campaign_id] = grants.surrender()
        self._hold(rows.give_back({one: amount for one, amount in surplus.items() if amount}))
        for campaign_id, kept_for in uncovered.items():
            cost = turn.costs[campaign_id]
            self._used_up.note(campaign_id, cost, now, turn=turn.seconds, kept_for=kept_for)

    def _note_covered(self, costs: Mapping[CampaignId, Decimal]) -> bool:
        """Note for which campaigns there is money by now; return whether there are any."""
        with self._lock:
            covered = [one for one, cost in costs.items() if self._grants_of(one).held >= cost]
        for campaign_id in covered:
            self._used_up.forget(campaign_id)
        return bool(covered)

    def pause_used_up(self) -> None:
        """Pause the campaigns whose budgets have not covered a message for some time."""
        self._used_up.pause_due(self._stop)

    def _run_pauses(self) -> None:
        while not self._stop.wait(BUDGET_TURN):
            self.pause_used_up()

    def _run(self, *, locked: bool) -> None:
        outage = Outage("budgets not leased", "budgets leased again", log)
        while not self._stop.is_set():
            try:
                self.turn(locked=locked)
            except (RetryLater, DriverError) as error:
                outage.failed(str(error))
            else:
                outage.recovered()
            self._stop.wait(SHORTEST_BUDGET_TURN)
            if locked:
                self._stop.wait(BUDGET_TURN)
            else:
                self._is_short.wait(BUDGET_TURN - SHORTEST_BUDGET_TURN)
                self._is_short.clear()
