"""campaign_budgets: what the sends of a campaign may cost, and what senders hold or have used.

`taken` covers every send before it starts, so the sends of a campaign never cost more than its
budget. A sender returns what it did not use; what a killed one held stays taken. Money is taken and
returned by single statements outside of any transaction: no sender that is stopped keeps a lock.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal

from pymysql.cursors import Cursor
from pymysql.err import IntegrityError

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import Budget, BudgetUse
from campaign_common.domain.content.price import DECIMALS

INSERT = """
REPLACE INTO campaign_budgets (campaign_id, currency, amount, taken) VALUES (%s, %s, %s, 0)
"""

CHANGE = """
INSERT INTO campaign_budgets (campaign_id, currency, amount, taken) VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE currency = VALUES(currency), amount = VALUES(amount)
"""

SELECT_PAGE = """
SELECT campaign_id, currency FROM campaign_budgets WHERE campaign_id > %s
ORDER BY campaign_id LIMIT %s
"""

RAISE_TAKEN = """
UPDATE campaign_budgets SET taken = GREATEST(taken, %s) WHERE campaign_id = %s AND currency = %s
"""

DELETE = "DELETE FROM campaign_budgets WHERE campaign_id = %s"

SELECT = "SELECT amount, currency, taken FROM campaign_budgets WHERE campaign_id = %s"

LOCK = f"{SELECT} FOR UPDATE"

SELECT_MANY = """
SELECT campaign_id, amount, currency, taken FROM campaign_budgets WHERE campaign_id IN %s
"""

SELECT_FREE = f"{SELECT_MANY} FOR UPDATE SKIP LOCKED"

# The driver reports the value of LAST_INSERT_ID: the amount, in millionths.
TAKE = """
UPDATE campaign_budgets
SET taken = taken
  + LAST_INSERT_ID(CAST(LEAST(%s, amount - taken) * 1000000 AS UNSIGNED)) * 0.000001
WHERE campaign_id = %s AND amount > taken AND amount - taken >= %s
"""

# All or nothing: the column takes no NULL, so that one budget with too little undoes it for all.
TAKE_TOGETHER = """
UPDATE campaign_budgets
SET taken = IF(taken + CASE campaign_id {cases} END <= amount,
               taken + CASE campaign_id {cases} END, NULL)
WHERE campaign_id IN %s
"""

RETURN = """
UPDATE campaign_budgets SET taken = GREATEST(0, taken - CASE campaign_id {cases} END)
WHERE campaign_id IN %s
"""

NULL_REFUSED = 1048

BUDGET_LOST = "?"
"""Currency of the budget of a campaign that has one, and no row: it counts as used up."""

# An older release that was rolled back to, and forth again, has dropped the rows.
CURRENCY_OF = f"""COALESCE(
  (SELECT currency FROM campaign_budgets WHERE campaign_id = campaigns.id),
  IF(JSON_CONTAINS(content, 'true', '$.has_budget'), '{BUDGET_LOST}', NULL))"""
"""Column of a statement on `campaigns`: the currency of the budget, NULL without one."""

SELECT_CURRENCY = f"SELECT {CURRENCY_OF} FROM campaigns WHERE id = %s"


def insert_budget(cursor: Cursor, campaign_id: CampaignId, budget: Budget | None) -> None:
    """Write the budget of a new campaign, over what an older one of its id may have left."""
    if budget is None:
        delete_budget(cursor, campaign_id)
    else:
        cursor.execute(INSERT, (campaign_id, budget.currency, budget.amount))


def change_budget(cursor: Cursor, campaign_id: CampaignId, budget: Budget | None) -> None:
    """Change the budget of a campaign, or give the first one; what is taken of it stays."""
    if budget is None:
        delete_budget(cursor, campaign_id)
    else:
        cursor.execute(CHANGE, (campaign_id, budget.currency, budget.amount, 0))


def restore_budget(cursor: Cursor, campaign_id: CampaignId, budget: Budget, spent: Decimal) -> None:
    """Give a budget again whose row was lost; what is known to be spent is taken of it."""
    cursor.execute(CHANGE, (campaign_id, budget.currency, budget.amount, spent))


def is_budget_lost(cursor: Cursor, campaign_id: CampaignId) -> bool:
    """Return whether a campaign has a budget, and no row of it: nothing is left of it."""
    cursor.execute(SELECT_CURRENCY, (campaign_id,))
    row = cursor.fetchone()
    return row is not None and row[0] == BUDGET_LOST


def currencies_of_budgets(
    cursor: Cursor, *, after_id: int, limit: int
) -> list[tuple[CampaignId, str]]:
    """List up to `limit` campaigns with a budget, with ids above `after_id`, and its currency."""
    cursor.execute(SELECT_PAGE, (after_id, limit))
    return list(cursor.fetchall())


def raise_taken(cursor: Cursor, campaign_id: CampaignId, currency: str, spent: Decimal) -> None:
    """Raise what is taken of a budget to what is known to be spent of it."""
    cursor.execute(RAISE_TAKEN, (spent, campaign_id, currency))


def delete_budget(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Delete the budget of a campaign."""
    cursor.execute(DELETE, (campaign_id,))


def read_budget(cursor: Cursor, campaign_id: CampaignId) -> BudgetUse | None:
    """Read the budget of a campaign; None: it has none."""
    return _one(cursor, SELECT, campaign_id)


def lock_budget(cursor: Cursor, campaign_id: CampaignId) -> BudgetUse | None:
    """Read the budget of a campaign and keep others from taking until the transaction ends."""
    return _one(cursor, LOCK, campaign_id)


def read_budgets(
    cursor: Cursor, campaign_ids: Collection[CampaignId]
) -> dict[CampaignId, BudgetUse]:
    """Read the budgets of campaigns; those without one are left out."""
    if not campaign_ids:
        return {}
    cursor.execute(SELECT_MANY, (tuple(campaign_ids),))
    return {campaign_id: BudgetUse(*columns) for campaign_id, *columns in cursor.fetchall()}


def free_budgets(cursor: Cursor, campaign_ids: Collection[CampaignId]) -> set[CampaignId]:
    """Return the campaigns whose budgets no other session has locked; not in a transaction."""
    cursor.execute(SELECT_FREE, (tuple(campaign_ids),))
    return {campaign_id for campaign_id, *_ in cursor.fetchall()}


def take_money(cursor: Cursor, campaign_id: CampaignId, amount: Decimal, least: Decimal) -> Decimal:
    """Take up to an amount of a budget, and nothing where less than `least` is left; return it."""
    if not cursor.execute(TAKE, (amount, campaign_id, least)):
        return Decimal()
    return Decimal(cursor.lastrowid or 0).scaleb(-DECIMALS)


def take_together(cursor: Cursor, amounts: Mapping[CampaignId, Decimal]) -> bool:
    """Take an amount of each budget, or nothing of any; return whether it was taken.

    A campaign without a budget counts as one of which nothing is left.
    """
    statement, values = _by_campaign(TAKE_TOGETHER, amounts, times=2)
    try:
        found = cursor.execute(statement, values)
    except IntegrityError as error:
        if error.args[0] != NULL_REFUSED:
            raise
        return False
    if found < len(amounts):
        existing = read_budgets(cursor, amounts).keys()
        return_money(cursor, {one: amounts[one] for one in existing})
        return False
    return True


def return_money(cursor: Cursor, amounts: Mapping[CampaignId, Decimal]) -> None:
    """Return an amount to each budget."""
    if amounts:
        cursor.execute(*_by_campaign(RETURN, amounts, times=1))


def _by_campaign(
    statement: str, amounts: Mapping[CampaignId, Decimal], times: int
) -> tuple[str, tuple[object, ...]]:
    """Return a statement with a case for each campaign, in rising order, and its values."""
    ids = sorted(amounts)
    cases = [value for one in ids for value in (one, amounts[one])]
    text = statement.format(cases=" ".join(["WHEN %s THEN %s"] * len(ids)))
    return text, (*cases * times, tuple(ids))


def _one(cursor: Cursor, statement: str, campaign_id: CampaignId) -> BudgetUse | None:
    cursor.execute(statement, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else BudgetUse(*row)
