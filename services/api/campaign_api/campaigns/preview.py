"""Preview of the messages to a campaign's first recipients."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from campaign_api.campaigns.campaign_reader import unknown
from campaign_common.database import Cursor, Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import NAME, PHONE
from campaign_common.domain.sms_segments import segmentation
from campaign_common.domain.template import Template
from campaign_common.planning.errors import ListDeleted
from campaign_common.store.campaigns.dry_runs import read_slice
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    read_progress,
    read_template,
)
from campaign_common.store.recipients.recipient_lists import ListState, read_list

MOST_CHARACTERS = 1_000_000
"""Characters of text in one response; a preview of longer messages has fewer of them."""

_attributes = msgspec.json.Decoder(dict[str, str])

Render = Callable[[RecipientRow], str]


class Draft(NamedTuple):
    """A campaign in its current state, and its template."""

    campaign: CampaignProgress
    template: Template


def read_draft(cursor: Cursor, campaign_id: CampaignId) -> Draft:
    """Read a campaign and its template.

    Raises:
        CampaignUnknown: there is no such campaign.
        ListDeleted: its recipient list has been deleted.
    """
    campaign = read_progress(cursor, campaign_id)
    text = read_template(cursor, campaign_id)
    if campaign is None or text is None:
        raise unknown(campaign_id)
    recipients = read_list(cursor, campaign.list_id)
    if recipients is None or recipients.state is not ListState.READY:
        raise ListDeleted(f"the recipient list of campaign {campaign_id} is deleted")
    return Draft(campaign, Template.compile(text))


def attributes_of(row: RecipientRow) -> Mapping[str, str]:
    """Return the further columns of a recipient."""
    return _attributes.decode(row[3]) if row[3] else {}


def renderer(template: Template) -> Render:
    """Return a function that renders the message to a recipient; attributes are read if needed."""
    if template.placeholders <= {NAME, PHONE}:
        return lambda row: template.render(row[2], row[1], None)
    return lambda row: template.render(row[2], row[1], attributes_of(row))


def preview(database: Database, campaign_id: CampaignId, limit: int) -> list[dict[str, Any]]:
    """Render the messages to the first `limit` recipients, with the SMS segments of each.

    Raises:
        CampaignUnknown, ListDeleted: as for `read_draft`.
        RetryLater: the database is unavailable.
    """
    with database.reading() as cursor:
        draft = read_draft(cursor, campaign_id)
        rows = read_slice(cursor, draft.campaign.list_id, after_seq=0, limit=limit)
    render = renderer(draft.template)
    messages: list[dict[str, Any]] = []
    room = MOST_CHARACTERS
    for row in rows:
        body = render(row)
        room -= len(body)
        if room < 0 and messages:
            break
        found = segmentation(body)
        messages.append(
            {
                "seq": row[0],
                "phone": row[1],
                "body": body,
                "characters": found.characters,
                "encoding": found.encoding,
                "segments": found.segments,
            }
        )
    return messages
