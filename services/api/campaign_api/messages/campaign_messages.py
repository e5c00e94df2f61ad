"""Message listing of a campaign: pages and CSV export."""

from collections.abc import Iterator, Mapping
from typing import Any

from campaign_api.csv_export import csv_text
from campaign_api.messages.message_pages import (
    MessageFilter,
    MessagePage,
    PagePosition,
    find_message,
    read_page,
)
from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.planning.errors import CampaignUnknown
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.core.counters import counts
from campaign_common.store.messages.message_listing import ListedCampaign, read_listed_campaign

COLUMNS = (
    "seq",
    "phone",
    "name",
    "status",
    "attempts",
    "provider_message_id",
    "error_code",
    "at",
    "provider",
    "receipt",
    "receipt_code",
    "receipt_at",
)

CSV_ROWS = 1_000
"""Messages read and written at a time."""


class CampaignMessages:
    """Messages of campaigns; statements and memory do not grow with the campaign."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def page(
        self, campaign_id: CampaignId, wanted: MessageFilter, position: PagePosition, limit: int
    ) -> MessagePage:
        """Read a page.

        Raises:
            CampaignUnknown: there is none of that id.
            RetryLater: a database is down.
        """
        with self._databases.reading() as cursors:
            # Before the campaign: in a finished one they say when all is found.
            counted = counts(cursors, campaign_id)
            campaign = _campaign(cursors.main, campaign_id)
            page = read_page(cursors, campaign, counted, wanted, position, limit)
            _require_present(cursors.main, campaign)
        return page

    def of_person(self, campaign_id: CampaignId, wanted: MessageFilter, phone: str) -> MessagePage:
        """Read the message of one person, if it is wanted.

        Raises:
            CampaignUnknown, RetryLater: as for `page`.
        """
        with self._databases.reading() as cursors:
            campaign = _campaign(cursors.main, campaign_id)
            found = find_message(cursors, campaign, wanted, phone)
            _require_present(cursors.main, campaign)
        return MessagePage(found, None)

    def csv(self, campaign_id: CampaignId, wanted: MessageFilter) -> Iterator[str]:
        """Return the text of a CSV file, in pieces; the first is read before this returns.

        Raises:
            CampaignUnknown, RetryLater: as for `page`, also while iterating.
        """
        first = self.page(campaign_id, wanted, PagePosition(), CSV_ROWS)
        return self._pieces(campaign_id, wanted, first)

    def _pieces(
        self, campaign_id: CampaignId, wanted: MessageFilter, page: MessagePage
    ) -> Iterator[str]:
        yield csv_text([COLUMNS])
        while True:
            # A piece without a row too: between two pieces others get the thread.
            yield csv_text([_row(item) for item in page.items])
            if page.next is None:
                return
            page = self.page(campaign_id, wanted, page.next, CSV_ROWS)


def _row(item: Mapping[str, Any]) -> list[Any]:
    receipt = item["receipt"] or {}
    flat = {
        **item,
        "receipt": receipt.get("rank"),
        "receipt_code": receipt.get("code"),
        "receipt_at": receipt.get("at"),
    }
    return [flat[column] for column in COLUMNS]


def _campaign(cursor: Cursor, campaign_id: CampaignId) -> ListedCampaign:
    campaign = read_listed_campaign(cursor, campaign_id)
    if campaign is None:
        raise _unknown(campaign_id)
    return campaign


def _require_present(cursor: Cursor, campaign: ListedCampaign) -> None:
    """Refuse a page that may have been read while the campaign was purged."""
    if not which_are_present(cursor, [campaign.id]):
        raise _unknown(campaign.id)


def _unknown(campaign_id: CampaignId) -> CampaignUnknown:
    return CampaignUnknown(f"there is no campaign {campaign_id}")
