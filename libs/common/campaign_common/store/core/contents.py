"""campaigns.template and campaigns.content: the content of a campaign as it is stored.

A plain text stands in `template` alone, as in 0.2.0. Other content, and that of a campaign that
takes a route, or has a rate, a budget or links to unsubscribe, stands in `content`, and `template`
holds `GUARD`, with which a scheduler of 0.2.0 sends nothing of it: it does not start the campaign,
since the list has no such column, and of a running one that it takes over each message is too
large. Where an API of 0.2.0 has written another template since, that counts.

Builds before 0.3.0 know `GUARD` and `content`, and some of them no links: they would send texts
with nothing in their place. For them `LINKS_GUARD` is what `GUARD` is for 0.2.0.
"""

from collections.abc import Collection

import msgspec
from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import CampaignContent, Content, TextContent
from campaign_common.domain.message_record import LARGEST_RECORD

_TOO_LARGE = "\x01" * (LARGEST_RECORD // 6 + 1)
"""JSON writes a control character in six bytes, so that a record of it is too large."""

_NEEDS = "{this campaign needs version 0.3.0"
"""The beginning of guards."""

GUARD = _NEEDS + "}" + _TOO_LARGE

LINKS_GUARD = _NEEDS + " with links}" + _TOO_LARGE
"""The guard of content with links to unsubscribe."""

_GUARDS = (GUARD, LINKS_GUARD)

SELECT_WITH_LINKS = """
SELECT id FROM campaigns
WHERE id IN %s AND JSON_EXTRACT(content, '$.link_base_url') IS NOT NULL AND template LIKE %s
"""

StoredContent = tuple[str, str | None]
"""The columns `template` and `content`."""


class _ContentColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    content: Content
    originator: str | None = msgspec.field(name="from", default=None)
    takes_route: bool = False
    has_rate: bool = False
    has_budget: bool = False
    link_base_url: str | None = None


_decode = msgspec.json.Decoder(_ContentColumn).decode


def stored_content(campaign: CampaignContent) -> StoredContent:
    """Return the columns of a content."""
    if campaign.is_plain and isinstance(campaign.content, TextContent):
        return campaign.content.template, None
    guard = GUARD if campaign.link_base_url is None else LINKS_GUARD
    return guard, msgspec.json.encode(_ContentColumn(*campaign)).decode()


def content_from(template: str, column: str | None) -> CampaignContent:
    """Return the content that columns hold."""
    if column is None:
        return CampaignContent(TextContent(template))
    stored = _decode(column)
    if template not in _GUARDS:
        # Its placeholder is a column of the list: an API of 0.2.0 knows no other one.
        return _campaign(TextContent(template), None, stored)
    campaign = _campaign(stored.content, stored.originator, stored)
    return campaign._replace(link_base_url=stored.link_base_url)


def campaigns_with_links(
    cursor: Cursor, campaign_ids: Collection[CampaignId]
) -> frozenset[CampaignId]:
    """Return those of some campaigns whose messages have links to unsubscribe."""
    if not campaign_ids:
        return frozenset()
    cursor.execute(SELECT_WITH_LINKS, (tuple(campaign_ids), f"{_NEEDS}%"))
    return frozenset(campaign_id for (campaign_id,) in cursor.fetchall())


def _campaign(content: Content, originator: str | None, stored: _ContentColumn) -> CampaignContent:
    return CampaignContent(
        content,
        originator,
        takes_route=stored.takes_route,
        has_rate=stored.has_rate,
        has_budget=stored.has_budget,
    )
