"""campaign_budgets: what the sends of a campaign may cost, and what senders hold or have used.

`taken` covers every send before it starts, so the sends of a campaign never cost more than its
budget. A sender returns what it did not use; what a killed one held stays taken.
"""

from decimal import Decimal

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import Budget, BudgetUse

INSERT = """
REPLACE INTO campaign_budgets (campaign_id, currency, amount, taken) VALUES (%s, %s, %s, 0)
"""

CHANGE = """
INSERT INTO campaign_budgets (campaign_id, currency, amount, taken) VALUES (%s, %s, %s, 0)
ON DUPLICATE KEY UPDATE currency = VALUES(currency), amount = VALUES(amount)
"""

DELETE = "DELETE FROM campaign_budgets WHERE campaign_id = %s"

SELECT = "SELECT amount, currency, taken FROM campaign_budgets WHERE campaign_id = %s"

LOCK = f"{SELECT} FOR UPDATE"

ADD = "UPDATE campaign_budgets SET taken = GREATEST(0, taken + %s) WHERE campaign_id = %s"

CURRENCY_OF = "(SELECT currency FROM campaign_budgets WHERE campaign_id = campaigns.id)"
"""Column of a statement on `campaigns`: the currency of the budget, NULL without one."""


def insert_budget(cursor: Cursor, campaign_id: CampaignId, budget: Budget | None) -> None:
    """Write the budget of a new campaign, over what an older one of its id may have left."""
    if budget is None:
        delete_budget(cursor, campaign_id)
    else:
        cursor.execute(INSERT, (campaign_id, budget.currency, budget.amount))


def change_budget(cursor: Cursor, campaign_id: CampaignId, budget: Budget | None) -> None:
    """Change the budget of a campaign; what is taken of it stays."""
    if budget is None:
        delete_budget(cursor, campaign_id)
    else:
        cursor.execute(CHANGE, (campaign_id, budget.currency, budget.amount))


def delete_budget(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Delete the budget of a campaign."""
    cursor.execute(DELETE, (campaign_id,))


def read_budget(cursor: Cursor, campaign_id: CampaignId) -> BudgetUse | None:
    """Read the budget of a campaign; None: it has none."""
    return _one(cursor, SELECT, campaign_id)


def lock_budget(cursor: Cursor, campaign_id: CampaignId) -> BudgetUse | None:
    """Read the budget of a campaign and keep others from taking until the transaction ends."""
    return _one(cursor, LOCK, campaign_id)


def add_taken(cursor: Cursor, campaign_id: CampaignId, amount: Decimal) -> None:
    """Take an amount of a budget; a negative one is returned to it."""
    cursor.execute(ADD, (amount, campaign_id))


def _one(cursor: Cursor, statement: str, campaign_id: CampaignId) -> BudgetUse | None:
    cursor.execute(statement, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else BudgetUse(*row)
