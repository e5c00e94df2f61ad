"""The content that each provider takes."""

from collections.abc import Mapping

from campaign_common.domain.content import (
    ANY_CONTENT,
    TEXT_ONLY,
    CampaignContent,
    ContentSupport,
)
from campaign_common.planning.errors import PlanInvalid

SUPPORT: Mapping[str, ContentSupport] = {"http": TEXT_ONLY, "simulated": ANY_CONTENT}
"""By provider; others take text only."""


def require_support(provider: str, wanted: CampaignContent) -> None:
    """Check that a provider takes the content of a campaign.

    Raises:
        PlanInvalid: it does not; names the field of POST /v1/campaigns.
    """
    support = SUPPORT.get(provider, TEXT_ONLY)
    if wanted.content.kind not in support.kinds:
        taken = ", ".join(sorted(support.kinds))
        raise PlanInvalid("content", f"provider {provider} takes content of kind {taken} only")
    if wanted.originator is not None and not support.originator:
        raise PlanInvalid("from", f"provider {provider} has no place for it")
