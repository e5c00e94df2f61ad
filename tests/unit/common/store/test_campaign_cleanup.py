"""Order in which what is counted of a campaign is deleted."""

from typing import Any

from campaign_common.store.maintenance.campaign_cleanup import delete_counters


class Statements:
    """A cursor that notes what it executes."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    def execute(self, statement: str, _: object) -> int:
        self.tables.append(statement.split()[2])
        return 1


def test_counts_are_deleted_in_the_order_of_their_writes() -> None:
    """Senders write counters, costs and possible duplicates in one transaction, one by one.

    Of a budget they hold a lock in transactions of their own. When to look for late receipts is
    written by schedulers alone.
    """
    cursor: Any = Statements()
    assert delete_counters(cursor, 7) == 5
    assert cursor.tables == [
        "campaign_counters",
        "campaign_costs",
        "possible_duplicates",
        "campaign_budgets",
        "receipt_looks",
    ]
