"""Links to unsubscribe in the messages of a campaign, by its content, list and configuration."""

from collections.abc import Iterable

from campaign_common.domain.content.campaign_content import PARTS, CompiledContent, ContentKind
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL
from campaign_common.domain.recipient import column_name
from campaign_common.domain.template import SUBJECT
from campaign_common.errors import TemplateInvalid
from campaign_common.settings import Settings

NO_LINKS = (
    f"names {{{UNSUBSCRIBE_URL}}}, for which the configuration needs Callbacks.BaseUrl and"
    f" Callbacks.Secrets, or the list a column {UNSUBSCRIBE_URL}"
)


def require_columns(
    settings: Settings, content: CompiledContent, columns: Iterable[str]
) -> str | None:
    """Check that every placeholder is a column, or the link; return the beginning of links.

    None: the messages have no link of ours. A column with the name of the placeholder goes before
    it: a list that has links of its own means those.

    Raises:
        TemplateInvalid: names the placeholders that are neither, or says what links need.
    """
    existing = list(columns)
    if not names_link(content, existing):
        content.require(existing)
        return None
    base_url = settings.callbacks.base_url
    if base_url is None:
        is_text = content.content.kind is ContentKind.TEXT
        raise TemplateInvalid(SUBJECT if is_text else PARTS, NO_LINKS)
    content.require([*existing, UNSUBSCRIBE_URL])
    return base_url


def names_link(content: CompiledContent, columns: Iterable[str]) -> bool:
    """Return whether a content names the link, and not a column of that name."""
    named = UNSUBSCRIBE_URL in content.placeholders
    return named and UNSUBSCRIBE_URL not in map(column_name, columns)
