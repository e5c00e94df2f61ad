"""Pace of a campaign: its own rate, and its priority among the campaigns of a provider."""

from collections.abc import Sequence
from decimal import Decimal
from math import inf
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId

LOWEST_PRIORITY = 1
HIGHEST_PRIORITY = 10
DEFAULT_PRIORITY = 5


class CampaignPace(NamedTuple):
    """Pace of a campaign.

    `max_rate`: messages that start in a second over all senders, with at most three decimal places;
    None: as many as its provider takes. `priority`: weight of its share of the provider, from 1
    to 10.
    """

    max_rate: Decimal | None = None
    priority: int = DEFAULT_PRIORITY


def slots_of(campaign_id: CampaignId) -> str:
    """Return the name under which the slots of a campaign's rate are stored.

    It stands where those of a provider have its name, which has no colon.
    """
    return f"campaign:{campaign_id}"


def share_rate(per_second: float, paces: Sequence[CampaignPace]) -> list[float]:
    """Share a provider's rate between campaigns by their priorities, in the order of `paces`.

    What a campaign does not use, as its own rate is lower than its share, the others share.
    """
    shares = [float(pace.max_rate or 0) for pace in paces]
    left, weight = per_second, sum(pace.priority for pace in paces)
    waiting = sorted(range(len(paces)), key=lambda n: _rate_by_weight(paces[n]))
    while waiting and _rate_by_weight(paces[waiting[0]]) * weight < left:
        n = waiting.pop(0)
        left -= shares[n]
        weight -= paces[n].priority
    for n in waiting:
        shares[n] = left * paces[n].priority / weight
    return shares


def _rate_by_weight(pace: CampaignPace) -> float:
    return inf if pace.max_rate is None else float(pace.max_rate) / pace.priority
