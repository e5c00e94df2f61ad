"""Budget leases: this sender's part of the budgets of the campaigns that it sends for."""

import threading
from collections.abc import Callable, Container, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

import structlog
from pymysql.err import Error as DriverError

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import BudgetUse, cost_of
from campaign_common.domain.content.price import Price
from campaign_common.domain.limits.money_grants import MoneyGrants, WantedMoney
from campaign_common.errors import CommitUnknown, RetryLater
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_common.store.campaigns.transitions import pause_without_money
from campaign_common.store.core.budgets import add_taken, lock_budget
from campaign_sender.in_flight.funds import Reserved
from campaign_sender.message import Message

TURN = 0.125
"""Seconds between two turns: what is held lasts for two of them."""

SHORTEST_TURN = 0.02
"""Seconds between two turns while a message waits for money."""

LACKING_FOR = 3.0
"""Seconds for which a message counts as waiting for money: it asks again every 0.3 s."""

PAUSED_AFTER = 1.5
"""Seconds without a change of a budget that is used up, after which its campaign is paused: by
then other senders have used or returned what they held."""

_BUDGET = attrgetter("budget")

log = structlog.get_logger()


class UsedUp(NamedTuple):
    """Budget that does not cover a message, as first seen at `since` (local time in seconds)."""

    budget: BudgetUse
    since: float


class BudgetLeases:
    """Money of each campaign with a budget that this sender sends for, and the thread that leases.

    It is reserved for a message before that is claimed, and given back where it did not start, so
    that sends never cost more than the budget. What is held lasts for 0.25 s and is returned when
    it is not needed, and in an orderly stop. A campaign whose budget is used up is paused.
    """

    def __init__(
        self,
        database: Database,
        sender: str,
        prices: Mapping[str, Price | None],
        on_money: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """Take the prices by provider, and a function that is called when there is new money."""
        self._database = database
        self._sender = sender
        self._prices = prices
        self._on_money = on_money
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[CampaignId, MoneyGrants] = {}
        self._lacking_at: dict[CampaignId, float] = {}
        """Local time at which a message of a campaign could not be paid for."""
        self._used_up: dict[CampaignId, UsedUp] = {}
        self._turned_at = clock()
        self._lacking = threading.Event()
        self._outage = Outage("budgets not leased", "budgets leased again", log)
        self._stop = threading.Event()
        self._thread = IndispensableThread("budget-leases", self._run)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs; only a programming error ends it early."""
        return self._thread.alive

    def stop(self) -> None:
        """Stop the thread, and return what is held."""
        self._stop.set()
        self._lacking.set()
        self._thread.join()
        self.return_all()

    def return_all(self) -> None:
        """Return what is held to the budgets, in an orderly stop."""
        try:
            self.turn(is_last=True)
        except (RetryLater, DriverError) as error:
            log.warning("money of budgets not returned", error=str(error))

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
        lacking: set[CampaignId] = set()
        with self._lock:
            for message in messages:
                campaign_id = message.key.campaign_id
                waits = message.budget and (campaign_id in lacking or campaign_id in waiting)
                if not waits and self._reserve(message):
                    funded.append(message)
                else:
                    lacking.add(campaign_id)
                    short.append(message)
        if short:
            self._lacking.set()
        return Reserved(funded, short)

    def give_back(self, messages: Sequence[Message]) -> None:
        """Give back what is reserved for messages that do not start."""
        with self._lock:
            for message in messages:
                if message.reserved is not None:
                    self._grants_of(message.key.campaign_id).give_back(message.reserved)
                    message.reserved = None

    def _reserve(self, message: Message) -> bool:
        if message.budget is None:
            return True
        price = self._prices.get(message.provider)
        if price is None:
            return True  # its provider is not configured here: it is not sent
        cost = cost_of(message.record, price).amount
        campaign_id = message.key.campaign_id
        if not self._grants_of(campaign_id).reserve(cost):
            self._lacking_at[campaign_id] = self._clock()
            return False
        message.reserved = cost
        return True

    def _grants_of(self, campaign_id: CampaignId) -> MoneyGrants:
        grants = self._grants.get(campaign_id)
        if grants is None:
            grants = self._grants[campaign_id] = MoneyGrants()
        return grants

    # --- leasing --------------------------------------------------------------------------

    def turn(self, *, is_last: bool = False) -> None:
        """Take what is missing of each budget, and return what is not needed.

        Raises:
            RetryLater: the database is down; what is held stays valid.
        """
        now = self._clock()
        with self._lock:
            elapsed, self._turned_at = now - self._turned_at, now
            for campaign_id, grants in list(self._grants.items()):
                if now - self._lacking_at.get(campaign_id, now) > LACKING_FOR:
                    self._forget_lack(campaign_id)
                if grants.is_idle:
                    del self._grants[campaign_id]
                    self._used_up.pop(campaign_id, None)
            wanted = {one: grants.begin_turn(elapsed) for one, grants in self._grants.items()}
        if is_last:
            wanted = {one: WantedMoney(Decimal(), Decimal()) for one in wanted}
        has_money = False
        for campaign_id in sorted(wanted):
            has_money |= self._lease(campaign_id, wanted[campaign_id])
        if has_money:
            self._on_money()

    def _lease(self, campaign_id: CampaignId, wanted: WantedMoney) -> bool:
        """Take or return money of one campaign; return whether there is more of it now."""
        grants = self._grants[campaign_id]
        with self._lock:
            if not wanted.least and grants.held == wanted.amount:
                return False
        returned = Decimal()
        try:
            with self._database.transaction() as cursor:
                budget = lock_budget(cursor, campaign_id)
                left = Decimal() if budget is None else budget.left
                with self._lock:
                    change = grants.change(wanted, left)
                    if change.amount < 0:
                        returned = -change.amount
                        grants.add(change.amount)
                if change.amount and budget is not None:
                    add_taken(cursor, campaign_id, change.amount)
        except CommitUnknown:
            raise  # what was taken or returned is lost at worst, and never there twice
        except (RetryLater, DriverError):
            with self._lock:
                grants.add(returned)
            raise
        if change.is_used_up:
            if budget is not None:
                self._note_used_up(campaign_id, budget, wanted.least)
            return False
        self._used_up.pop(campaign_id, None)
        with self._lock:
            grants.add(max(Decimal(), change.amount))
            if wanted.least:
                self._forget_lack(campaign_id)
        return bool(wanted.least)

    def _forget_lack(self, campaign_id: CampaignId) -> None:
        self._lacking_at.pop(campaign_id, None)
        self._grants[campaign_id].forget_lack()

    def _note_used_up(self, campaign_id: CampaignId, budget: BudgetUse, cost: Decimal) -> None:
        """Pause the campaign once its budget has been used up for some time without a change."""
        now = self._clock()
        known = self._used_up.get(campaign_id)
        if known is None or known.budget != budget:
            self._used_up[campaign_id] = UsedUp(budget, now)
        elif now - known.since >= PAUSED_AFTER:
            del self._used_up[campaign_id]
            with self._database.transaction() as cursor:
                is_paused = pause_without_money(cursor, campaign_id, cost, self._sender)
            if is_paused:
                log.warning("campaign paused, its budget is used up", campaign=campaign_id)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.turn()
            except (RetryLater, DriverError) as error:
                self._outage.failed(str(error))
            else:
                self._outage.recovered()
            self._stop.wait(SHORTEST_TURN)
            self._lacking.wait(TURN - SHORTEST_TURN)
            self._lacking.clear()
