"""The content that the provider of a campaign takes."""

from campaign_common.domain.content.campaign_content import PARTS, CampaignContent, TemplateContent
from campaign_common.planning.errors import PlanInvalid
from campaign_common.settings import Settings


def require_support(settings: Settings, named: str, wanted: CampaignContent) -> None:
    """Check that a provider, or each one of a route, takes the content of a campaign.

    One that is not configured takes any.

    Raises:
        PlanInvalid: one does not; names the field of POST /v1/campaigns.
    """
    for provider in sorted(settings.routes.providers(named)):
        _require_support_of(settings, provider, wanted)


def _require_support_of(settings: Settings, provider: str, wanted: CampaignContent) -> None:
    configured = settings.configured_providers.get(provider)
    if configured is None:
        return
    support = configured.content_support
    if wanted.content.kind not in support.kinds:
        taken = " and ".join(sorted(support.kinds))
        raise PlanInvalid("content", f"provider {provider} takes content of kind {taken} only")
    content = wanted.content
    parts = len(content.parts) if isinstance(content, TemplateContent) else 0
    if support.most_parts is not None and parts > support.most_parts:
        raise PlanInvalid(PARTS, f"provider {provider} takes at most {support.most_parts}")
    if wanted.originator is not None and not support.originator:
        raise PlanInvalid("from", f"provider {provider} has no place for it")
