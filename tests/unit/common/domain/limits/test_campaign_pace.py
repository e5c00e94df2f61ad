"""Shares of a provider's rate between campaigns."""

from decimal import Decimal

import pytest

from campaign_common.domain.limits.campaign_pace import CampaignPace, share_rate


def pace(priority: int, max_rate: str | None = None) -> CampaignPace:
    return CampaignPace(None if max_rate is None else Decimal(max_rate), priority)


@pytest.mark.parametrize(
    ("paces", "shares"),
    [
        ([], []),
        ([pace(5)], [100]),
        ([pace(5), pace(5)], [50, 50]),
        ([pace(10), pace(1), pace(9)], [50, 5, 45]),
        ([pace(5, "20"), pace(5)], [20, 80]),
        ([pace(5, "80"), pace(5)], [50, 50]),
        ([pace(5, "20"), pace(5, "30")], [20, 30]),
        ([pace(1, "40"), pace(1, "10"), pace(2)], [30, 10, 60]),
        ([pace(5, "0.5"), pace(5, "0.5"), pace(1)], [0.5, 0.5, 99]),
    ],
)
def test_what_a_slow_campaign_does_not_use_the_others_share(
    paces: list[CampaignPace], shares: list[float]
) -> None:
    assert share_rate(100.0, paces) == pytest.approx(shares)
