"""Messages of a campaign by status and error code, from bounded parts of its ledger."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.messages.message_pages import number_of
from campaign_api.web.http.paging import NOT_A_CURSOR
from campaign_common.database import Cursors, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.planning.errors import CampaignUnknown
from campaign_common.store.campaigns.transitions import RETRYABLE
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.core.counters import counts
from campaign_common.store.core.receipt_counters import read_receipt_counts
from campaign_common.store.maintenance import error_counts as store
from campaign_common.store.maintenance.error_counts import CodeCount, CodeCounts
from campaign_common.store.messages.message_listing import ListedCampaign, read_listed_campaign

BLOCK = 10_000
"""Neighbouring recipients that one page counts."""

BLOCKS = 20
"""Most blocks of one page."""

MOST_SHOWN = 100
"""Codes that a page has; the most frequent ones."""

WITH_CODES = tuple(status for status in Status if status not in (Status.NOT_STARTED, Status.SENT))
"""The statuses of messages that may have an error code."""

UNDELIVERED = ReceiptRank.UNDELIVERED.word


class ErrorPage(NamedTuple):
    """A page as in responses, and the number of the next part; None after the last."""

    described: dict[str, Any]
    next_part: int | None


def number_of_parts(last_seq: int) -> int:
    """Return the number of pages that cover a list."""
    return max(-(-last_seq // (BLOCK * BLOCKS)), 1)


def ranges_of(part: int, last_seq: int) -> list[range]:
    """Return the seqs of a part: blocks that lie evenly over the list, so that each is a sample."""
    parts = number_of_parts(last_seq)
    if parts == 1:
        return [range(1, last_seq + 1)] if last_seq else []
    starts = range(part * BLOCK, last_seq, parts * BLOCK)
    return [range(start + 1, min(start + BLOCK, last_seq) + 1) for start in starts]


class ErrorCounts:
    """Counts of error codes of campaigns; what one page costs does not grow with the campaign."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def page(self, campaign_id: CampaignId, part: int) -> ErrorPage:
        """Count a part of a campaign.

        Raises:
            CampaignUnknown: there is none of that id.
            RequestInvalid: it has no such part.
            RetryLater: a database is down.
        """
        with self._databases.reading() as cursors:
            counted = counts(cursors, campaign_id)
            receipts = read_receipt_counts(cursors, campaign_id)
            campaign = read_listed_campaign(cursors.main, campaign_id)
            if campaign is None:
                raise _unknown(campaign_id)
            undelivered = receipts.get((ReceiptState.SENT, ReceiptRank.UNDELIVERED), 0)
            page = _page(cursors, campaign, part, counted, undelivered)
            if not which_are_present(cursors.main, [campaign_id]):
                raise _unknown(campaign_id)
        return page


def _page(
    cursors: Cursors,
    campaign: ListedCampaign,
    part: int,
    counted: Mapping[Status, int],
    undelivered: int,
) -> ErrorPage:
    last_seq = 0 if campaign.shards is None else campaign.last_seq
    parts = number_of_parts(last_seq)
    if part >= parts:
        raise RequestInvalid([InvalidField("cursor", NOT_A_CURSOR)])
    statuses = [status for status in WITH_CODES if counted.get(status, 0) > 0]
    # Without any such message, the one part is all.
    is_whole = parts == 1 or not (statuses or undelivered > 0)
    seqs = ranges_of(part, last_seq)
    errors = store.count_outcomes(cursors, campaign, seqs, statuses)
    receipts = CodeCounts([], 0)
    if undelivered > 0:
        receipts = store.count_undelivered(cursors, campaign, seqs)
    shown_errors, shown_receipts = errors.codes[:MOST_SHOWN], receipts.codes[:MOST_SHOWN]
    totals = {status.word: max(number_of(campaign, counted, status), 0) for status in WITH_CODES}
    described = {
        "errors": [_describe_error(one) for one in shown_errors],
        "errors_omitted": errors.messages - _messages(shown_errors),
        "undelivered": [_describe_receipt(one) for one in shown_receipts],
        "undelivered_omitted": receipts.messages - _messages(shown_receipts),
        "totals": {**totals, UNDELIVERED: max(undelivered, 0)},
        "complete": is_whole,
        "share": 1.0 if is_whole else round(sum(map(len, seqs)) / last_seq, 6),
    }
    return ErrorPage(described, None if is_whole or part + 1 == parts else part + 1)


def _messages(codes: Sequence[CodeCount]) -> int:
    return sum(one.messages for one in codes)


def _describe_error(counted: CodeCount) -> dict[str, Any]:
    word = None if counted.status is None else counted.status.word
    can_retry = counted.status in RETRYABLE and counted.code is not None
    return {
        "status": word,
        "error_code": counted.code,
        "messages": counted.messages,
        "last_at": _utc(counted),
        "retry": {"status": word, "error_code": counted.code} if can_retry else None,
    }


def _describe_receipt(counted: CodeCount) -> dict[str, Any]:
    has_code = counted.code is not None
    return {
        "code": counted.code,
        "messages": counted.messages,
        "last_at": _utc(counted),
        "retry": {"receipt": UNDELIVERED, "code": counted.code} if has_code else None,
    }


def _utc(counted: CodeCount) -> datetime | None:
    return None if counted.last_at is None else counted.last_at.replace(tzinfo=UTC)


def _unknown(campaign_id: CampaignId) -> CampaignUnknown:
    return CampaignUnknown(f"there is no campaign {campaign_id}")
