"""Preview of the messages to a campaign's first recipients."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from campaign_api.campaigns.campaign_reader import unknown
from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import CompiledContent, Rendered
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL, MakeLink
from campaign_common.domain.recipient import NAME, PHONE
from campaign_common.domain.sms_segments import Segmentation, segmentation
from campaign_common.planning.errors import ListDeleted
from campaign_common.store.campaigns.dry_runs import read_slice
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    read_content,
    read_progress,
)
from campaign_common.store.core.budgets import read_budget
from campaign_common.store.recipients.recipient_lists import ListState, read_list
from campaign_providers.unsubscribe.current_links import sample_links

MOST_CHARACTERS = 1_000_000
"""Characters of text in one response; a preview of longer messages has fewer of them."""

_attributes = msgspec.json.Decoder(dict[str, str])

Render = Callable[[RecipientRow], Rendered]


class Draft(NamedTuple):
    """A campaign in its current state, its content and its budget."""

    campaign: CampaignProgress
    content: CompiledContent
    originator: str | None
    budget: Budget | None = None
    has_lost_budget: bool = False
    link_base_url: str | None = None

    @property
    def link(self) -> MakeLink | None:
        """Texts as long as the links in its messages; None: they have none.

        They are no links: who may read a preview could unsubscribe people with those.
        """
        if self.link_base_url is None:
            return None
        return sample_links(self.link_base_url, self.campaign.id)


def read_draft(cursor: Cursor, campaign_id: CampaignId) -> Draft:
    """Read a campaign and its content.

    Raises:
        CampaignUnknown: there is no such campaign.
        ListDeleted: its recipient list has been deleted.
    """
    campaign = read_progress(cursor, campaign_id)
    stored = read_content(cursor, campaign_id)
    if campaign is None or stored is None:
        raise unknown(campaign_id)
    recipients = read_list(cursor, campaign.list_id)
    if recipients is None or recipients.state is not ListState.READY:
        raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
    use = read_budget(cursor, campaign_id)
    budget = None if use is None else Budget(use.amount, use.currency)
    return Draft(
        campaign,
        CompiledContent(stored.content),
        stored.originator,
        budget,
        has_lost_budget=stored.has_budget and use is None,
        link_base_url=stored.link_base_url,
    )


def attributes_of(row: RecipientRow) -> Mapping[str, str]:
    """Return the further columns of a recipient."""
    return _attributes.decode(row[3]) if row[3] else {}


def with_link(
    attributes: Mapping[str, str], row: RecipientRow, link: MakeLink
) -> Mapping[str, str]:
    """Return the further columns of a recipient, and the link to unsubscribe."""
    return {**attributes, UNSUBSCRIBE_URL: link(row[0])}


def renderer(content: CompiledContent, link: MakeLink | None = None) -> Render:
    """Return a function that renders the message to a recipient; attributes are read if needed.

    `link` makes the link to unsubscribe, of messages that have one.
    """
    if link is not None:
        return lambda row: content.render(row[2], row[1], with_link(attributes_of(row), row, link))
    if content.placeholders <= {NAME, PHONE}:
        return lambda row: content.render(row[2], row[1], None)
    return lambda row: content.render(row[2], row[1], attributes_of(row))


def as_answered(rendered: Rendered) -> dict[str, Any]:
    """Describe the content of a message as responses do: its body, or its parts."""
    if rendered.template is None:
        return {"body": rendered.body, "parts": None}
    return {"body": None, "parts": list(rendered.template.parts)}


def size_of(rendered: Rendered) -> Segmentation:
    """Measure a message; one of a provider's template counts as one segment of its parameters."""
    if rendered.template is None:
        return segmentation(rendered.body)
    return Segmentation(sum(map(len, rendered.texts)), None, 1, None)


def describe_message(row: RecipientRow, rendered: Rendered, found: Segmentation) -> dict[str, Any]:
    """Describe the message to a recipient, and its size."""
    return {
        "seq": row[0],
        "phone": row[1],
        **as_answered(rendered),
        "characters": found.characters,
        "encoding": found.encoding,
        "segments": found.segments,
    }


def preview(database: Database, campaign_id: CampaignId, limit: int) -> list[dict[str, Any]]:
    """Render the messages to the first `limit` recipients, with the SMS segments of each.

    In place of the link to unsubscribe they have a text of the same length.

    Raises:
        CampaignUnknown, ListDeleted: as for `read_draft`.
        RetryLater: the database is unavailable.
    """
    with database.reading() as cursor:
        draft = read_draft(cursor, campaign_id)
        rows = read_slice(cursor, draft.campaign.list_id, after_seq=0, limit=limit)
    render = renderer(draft.content, draft.link)
    messages: list[dict[str, Any]] = []
    room = MOST_CHARACTERS
    for row in rows:
        rendered = render(row)
        found = size_of(rendered)
        room -= found.characters
        if room < 0 and messages:
            break
        messages.append(describe_message(row, rendered, found))
    return messages
