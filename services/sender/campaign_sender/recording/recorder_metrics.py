"""Counting of the recorder's transactions; its cost does not depend on their size."""

from collections import Counter
from collections.abc import Callable, Mapping

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import FINAL, Status
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_sender.metrics import MESSAGES_RECORDED, begin_outcomes_at_zero


def count_outcomes(
    changes: Mapping[tuple[CampaignId, int, Status], int],
    version_of: Callable[[CampaignId], CampaignVersion | None],
) -> None:
    """Count the final outcomes of a committed transaction, by the provider of their campaign.

    They are taken from the changes of the counters, of which only those of WAITING are negative.
    """
    outcomes: Counter[tuple[CampaignId, Status]] = Counter()
    for (campaign_id, _, status), n in changes.items():
        if status in FINAL:
            outcomes[campaign_id, status] += n
    for (campaign_id, status), n in outcomes.items():
        version = version_of(campaign_id)
        provider = version.provider if version else "unknown"
        begin_outcomes_at_zero(provider)
        MESSAGES_RECORDED.labels(provider, status.word).inc(n)
