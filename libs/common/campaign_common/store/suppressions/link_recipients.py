"""campaigns and recipients: whom the link in a message is about."""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import is_erased

SELECT_CAMPAIGN = "SELECT list_id, topic FROM campaigns WHERE id = %s"

SELECT_RECIPIENT = "SELECT phone FROM recipients WHERE list_id = %s AND seq = %s"

# An erasure of the person happens either before, and is seen here, or waits until the transaction
# ends. LOCK IN SHARE MODE is what both MySQL and MariaDB understand.
LOCK_RECIPIENT = f"{SELECT_RECIPIENT} LOCK IN SHARE MODE"


class LinkRecipient(NamedTuple):
    """The recipient of a message, and the topic of its campaign."""

    phone: str
    topic: str | None


def find_link_recipient(
    cursor: Cursor, campaign_id: CampaignId, seq: int, *, lock: bool = False
) -> LinkRecipient | None:
    """Return the recipient of a message; None: the campaign was purged, or the person erased.

    `lock` keeps the person from being erased until the transaction ends.
    """
    cursor.execute(SELECT_CAMPAIGN, (campaign_id,))
    campaign = cursor.fetchone()
    if campaign is None:
        return None
    list_id, topic = campaign
    cursor.execute(LOCK_RECIPIENT if lock else SELECT_RECIPIENT, (list_id, seq))
    row = cursor.fetchone()
    if row is None or is_erased(row[0]):
        return None
    return LinkRecipient(row[0], topic)
