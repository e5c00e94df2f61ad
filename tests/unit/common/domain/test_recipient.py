import pytest

from campaign_common.domain.recipient import column_name, trimmed


def test_column_names_are_compared_in_a_normal_form() -> None:
    """Column names are compared without case space and composition."""
    assert column_name("  Phone\t") == "phone"
    assert column_name("CAFE\u0301") == column_name("café")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (" Ada ", "Ada"),
        ("\tAda\u00a0", "Ada"),
        ("Ada  Lovelace", "Ada  Lovelace"),
        ("", ""),
        (" ", ""),
        ("\u00a0\u3000", ""),
        ("\u200b", ""),
        (" \u200e\u2060 ", ""),
        ("\u200fعلي", "\u200fعلي"),
    ],
    ids=ascii,
)
def test_values_lose_blanks_around_them(value: str, kept: str) -> None:
    """A value of blanks and unseen characters alone is none; within a text they stay."""
    assert trimmed(value) == kept
