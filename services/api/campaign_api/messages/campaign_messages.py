"""Message listing of a campaign: pages and exports."""

from collections.abc import Iterator

from campaign_api.messages.message_export import ExportFile
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

EXPORT_ROWS = 1_000
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

    def export(
        self, campaign_id: CampaignId, wanted: MessageFilter, file: ExportFile
    ) -> Iterator[bytes]:
        """Return a file with messages, in pieces; the first ones are read before this returns.

        Raises:
            CampaignUnknown, RetryLater: as for `page`, also while iterating.
        """
        first = self.page(campaign_id, wanted, PagePosition(), EXPORT_ROWS)
        return self._pieces(campaign_id, wanted, file, first)

    def _pieces(
        self, campaign_id: CampaignId, wanted: MessageFilter, file: ExportFile, page: MessagePage
    ) -> Iterator[bytes]:
        yield file.begin()
        while True:
            # An empty piece too: between two pieces others get the thread.
            yield file.add(page.items)
            if page.next is None:
                break
            page = self.page(campaign_id, wanted, page.next, EXPORT_ROWS)
        yield file.end()


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
