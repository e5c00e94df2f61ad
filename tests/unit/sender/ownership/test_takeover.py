import pytest

from campaign_common.domain.campaign import Delivery
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState, StoredReceipt
from campaign_sender.ownership.takeover import settle
from tests.unit.sender.messages import CAMPAIGN, version

CLAIMED = ClaimedMessage(CAMPAIGN, 5, 0, 1)
AT_MOST_ONCE = version(delivery=Delivery.AT_MOST_ONCE)


def test_at_least_once_a_claimed_message_becomes_a_suspect() -> None:
    settlement = settle([CLAIMED], {}, {CAMPAIGN: version()})
    assert settlement.possibly_sent == [CLAIMED]
    assert settlement.unknown == []


def test_at_most_once_a_claimed_message_ends_unknown() -> None:
    settlement = settle([CLAIMED], {}, {CAMPAIGN: AT_MOST_ONCE})
    assert settlement.possibly_sent == []
    (row,) = settlement.unknown
    assert (row.seq, row.status, row.replaces) == (5, Status.UNKNOWN, False)


def test_outcomes_recorded_before_the_loss_are_left_alone() -> None:
    """Outcomes recorded before the sender was lost are left alone."""
    entries = {MessageKey(CAMPAIGN, 5): LedgerEntry(Status.SENT, 0, 1, 1)}
    for campaign in (version(), AT_MOST_ONCE):
        settlement = settle([CLAIMED], entries, {CAMPAIGN: campaign})
        assert settlement == ([], [], [])


def test_a_claimed_second_try_is_settled_over_its_waiting_row() -> None:
    claimed = ClaimedMessage(CAMPAIGN, 5, 0, 2)
    entries = {MessageKey(CAMPAIGN, 5): LedgerEntry(Status.WAITING, 0, 1, 1)}
    (row,) = settle([claimed], entries, {CAMPAIGN: AT_MOST_ONCE}).unknown
    assert (row.try_number, row.attempts, row.replaces) == (2, 2, True)


def test_a_claim_of_a_campaign_that_is_gone_is_forgotten() -> None:
    assert settle([CLAIMED], {}, {}) == ([], [], [])


REPORTED = {
    "its provider": ("main", ReceiptRank.ACCEPTED, {}, True),
    "another one": ("spare", ReceiptRank.UNDELIVERED, {}, False),
    "another one that delivered it": ("spare", ReceiptRank.DELIVERED, {}, True),
    "one of an earlier doubt": ("spare", ReceiptRank.SENT, {"spare": 1}, True),
    "one of an older sender": ("spare", ReceiptRank.SENT, {None: 1}, True),
}
"""The provider that reports a message which a lost sender had claimed for `main`, the rank, doubts
that are noted, and whether that proves it."""


@pytest.mark.parametrize(("provider", "rank", "noted", "proves"), REPORTED.values(), ids=REPORTED)
def test_a_claim_is_settled_by_who_may_have_taken_it(
    provider: str, rank: ReceiptRank, noted: dict[str | None, int], proves: bool
) -> None:
    receipt = StoredReceipt(0, rank, ReceiptState.OPEN, provider)
    settlement = settle(
        [CLAIMED._replace(provider="main")],
        {},
        {CAMPAIGN: version()},
        {MessageKey(CAMPAIGN, 5): receipt},
        {(CAMPAIGN, 5, 0): noted},
    )
    assert (len(settlement.sent), len(settlement.possibly_sent)) == (proves, not proves)
