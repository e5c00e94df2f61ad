"""Budgets after commits were lost: at least what is known to be spent is taken of each."""

from functools import partial

from campaign_common.database import Databases
from campaign_common.store.core.budgets import currencies_of_budgets, raise_taken
from campaign_common.store.core.costs import read_costs

PAGE = 100
"""Budgets that are read at a time."""


def charge_spent(databases: Databases) -> None:
    """Raise what is taken of each budget to what the ledgers have spent of it; may be repeated.

    The servers of the shards may know more than the restored main one.

    Raises:
        RetryLater: a database is unavailable.
    """
    after_id = 0
    while True:
        with databases.reading() as cursors:
            page = currencies_of_budgets(cursors.main, after_id=after_id, limit=PAGE)
            spent = [
                (campaign_id, currency, cost.amount)
                for campaign_id, currency in page
                for cost in read_costs(cursors, campaign_id)
                if cost.currency == currency
            ]
        for campaign_id, currency, amount in spent:
            databases.main.run(
                partial(raise_taken, campaign_id=campaign_id, currency=currency, spent=amount)
            )
        if len(page) < PAGE:
            return
        after_id = page[-1][0]
