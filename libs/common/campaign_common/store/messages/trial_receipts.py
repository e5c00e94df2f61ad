"""trial_messages: the receipts of single messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose


class TrialReceipt(NamedTuple):
    """A report about a single message, whose reference is verified."""

    test_id: int
    campaign_id: CampaignId
    provider: str
    rank: ReceiptRank
    """Never `NONE`."""
    code: str | None = None
    """The provider's word for the reason, ASCII, up to 32 characters."""
    at: datetime | None = None
    """The provider's time, UTC."""
    purpose: ReferencePurpose = ReferencePurpose.TEST


# The highest rank counts, with what came with it first.
UPDATE = """
UPDATE trial_messages SET receipt_rank = %s, receipt_code = %s, reported_at = %s
WHERE id = %s AND campaign_id = %s AND purpose = %s
  AND COALESCE(answer_provider, content_provider, provider) = %s
  AND COALESCE(receipt_rank, 0) < %s
"""


def write_trial_receipts(cursor: Cursor, receipts: Sequence[TrialReceipt]) -> int:
    """Store the receipts of single messages that are kept; return how many changed anything."""
    changed = 0
    for test_id, campaign_id, provider, rank, code, at, purpose in sorted(receipts, key=_order):
        reported_at = None if at is None else at.replace(tzinfo=None)
        changed += cursor.execute(
            UPDATE,
            (
                int(rank),
                code,
                reported_at,
                test_id,
                campaign_id,
                int(purpose),
                provider,
                int(rank),
            ),
        )
    return changed


def _order(receipt: TrialReceipt) -> tuple[int, int]:
    return receipt.test_id, receipt.rank
