"""Words of `campaign status`."""

from typing import Any

import pytest

from campaign_admin.campaign.campaigns import _budget


@pytest.mark.parametrize(
    ("budget", "shown"),
    [
        (None, None),
        (
            {"currency": "EUR", "amount": "5", "taken": "1", "left": "4"},
            "5 EUR, 4 left",
        ),
        (
            {"currency": None, "amount": None, "taken": None, "left": "0"},
            "lost in a roll-back, nothing left",
        ),
    ],
    ids=["none", "there", "lost"],
)
def test_a_budget_in_words(budget: dict[str, Any] | None, shown: str | None) -> None:
    assert _budget(budget) == shown
