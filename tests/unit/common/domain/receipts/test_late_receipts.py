"""Receipts that did not come in time, and those that come later."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import (
    ReceiptState,
    StoredReceipt,
    report,
    without_receipt,
)
from campaign_common.domain.shard import Shard

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SENT = LedgerEntry(Status.SENT, 1, 1, 1)
ACCEPTED = StoredReceipt(1, ReceiptRank.ACCEPTED, ReceiptState.SENT, "alpha", "7", NOON)
LATE = StoredReceipt.none(1)._replace(state=ReceiptState.NO_RECEIPT)
LATE_ACCEPTED = ACCEPTED._replace(state=ReceiptState.NO_RECEIPT)

TIMES_OVER: dict[str, tuple[StoredReceipt | None, LedgerEntry, StoredReceipt | None]] = {
    "nothing was reported": (None, SENT, LATE),
    "accepted was reported": (ACCEPTED, SENT, LATE_ACCEPTED),
    "accepted, and not closed yet": (
        ACCEPTED._replace(state=ReceiptState.OPEN),
        SENT,
        LATE_ACCEPTED,
    ),
    "by another provider than the message went to": (
        ACCEPTED._replace(state=ReceiptState.OPEN),
        SENT._replace(provider="beta"),
        LATE,
    ),
    "of an older generation": (ACCEPTED._replace(generation=0), SENT, LATE),
    "of a later generation": (ACCEPTED._replace(generation=2), SENT, None),
    "undelivered": (ACCEPTED._replace(rank=ReceiptRank.UNDELIVERED), SENT, None),
    "delivered, and not closed yet": (
        ACCEPTED._replace(rank=ReceiptRank.DELIVERED, state=ReceiptState.OPEN),
        SENT,
        None,
    ),
    "noted before": (LATE_ACCEPTED, SENT, None),
    "failed": (None, LedgerEntry(Status.FAILED, 1, 1, 1), None),
    "waits again": (None, LedgerEntry(Status.WAITING, 1, 1, 1), None),
}
"""The stored receipt, the ledger's row, and the receipt stored then; None: nothing changes."""


@pytest.mark.parametrize(("stored", "entry", "after"), TIMES_OVER.values(), ids=TIMES_OVER)
def test_what_did_not_come_in_time_is_noted(
    stored: StoredReceipt | None, entry: LedgerEntry, after: StoredReceipt | None
) -> None:
    assert without_receipt(stored, entry, "alpha") == after


def reported(rank: ReceiptRank) -> MessageReceipt:
    return MessageReceipt(CampaignId(7), 1, 1, Shard(0), "alpha", rank, f"code {rank}", NOON)


@pytest.mark.parametrize("rank", [rank for rank in ReceiptRank if rank.is_final])
@pytest.mark.parametrize("stored", [LATE, LATE_ACCEPTED])
def test_a_final_report_replaces_it(stored: StoredReceipt, rank: ReceiptRank) -> None:
    expected = StoredReceipt(1, rank, ReceiptState.SENT, "alpha", f"code {rank}", NOON)
    assert report(stored, SENT, "alpha", reported(rank)).receipt == expected


def test_another_report_leaves_it_as_it_is() -> None:
    receipt = report(LATE, SENT, "alpha", reported(ReceiptRank.SENT)).receipt
    assert receipt is not None
    assert (receipt.rank, receipt.state) == (ReceiptRank.SENT, ReceiptState.NO_RECEIPT)


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([None, *(rank for rank in ReceiptRank if rank)]), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_of_reports_and_looks_does_not_matter(
    happened: list[ReceiptRank | None], random: Random
) -> None:
    """None: a look when the time is over; there is another one after all of it."""
    results = set()
    for _ in range(2):
        stored: StoredReceipt | None = None
        for rank in [*happened, None]:
            if rank is None:
                stored = without_receipt(stored, SENT, "alpha") or stored
            else:
                stored = report(stored, SENT, "alpha", reported(rank)).receipt
        results.add(stored)
        random.shuffle(happened)
    assert len(results) == 1
