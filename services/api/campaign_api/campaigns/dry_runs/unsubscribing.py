"""Ways in which the recipients of a campaign can say that they want no more messages."""

from collections.abc import Iterator
from typing import Any

from campaign_api.campaigns.previews.preview import Draft
from campaign_common.domain.content.campaign_content import ContentKind, subject_of
from campaign_common.domain.content.originator import can_receive
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL
from campaign_common.domain.routing.routes import Routes
from campaign_common.planning.errors import TemplateUnfit
from campaign_common.planning.unsubscribe_links import NO_LINKS
from campaign_common.settings import Settings


def require_links(settings: Settings, draft: Draft) -> None:
    """Require that the links of a campaign can be made, by the configuration of this API.

    Raises:
        TemplateUnfit: it names the link, and there is no `Callbacks.BaseUrl` any more.
    """
    if draft.link_base_url is not None and settings.callbacks.base_url is None:
        raise TemplateUnfit(subject_of(draft.content.content), NO_LINKS)


def describe_unsubscribing(settings: Settings, routes: Routes, draft: Draft) -> dict[str, Any]:
    """Describe whether messages have a link, and warn where STOP may not arrive either."""
    has_link = UNSUBSCRIBE_URL in draft.content.placeholders
    is_text = draft.content.content.kind is ContentKind.TEXT
    warnings = [] if has_link or not is_text else list(_warnings(settings, routes, draft))
    return {"link": has_link, "warning": "; ".join(warnings) or None}


def _warnings(settings: Settings, routes: Routes, draft: Draft) -> Iterator[str]:
    """Yield a warning for each provider whose originator can not receive STOP."""
    for provider in sorted(routes.providers(draft.campaign.provider)):
        originator = draft.originator or settings.originator_of(provider)
        receives = None if originator is None else can_receive(originator)
        if receives is False:
            yield (
                f"texts by {provider} come from {originator}, which can receive no STOP, and have"
                f" no {{{UNSUBSCRIBE_URL}}}"
            )
        elif receives is None:
            yield (
                f"it is not known here which originator texts by {provider} come from, and whether"
                f" it can receive STOP; they have no {{{UNSUBSCRIBE_URL}}}"
            )
