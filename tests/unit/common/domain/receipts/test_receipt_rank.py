"""The order of the stages of delivery."""

from campaign_common.domain.receipts.receipt_rank import ReceiptRank


def test_ranks_rise_from_nothing_to_read() -> None:
    names = ["none", "accepted", "sent", "undelivered", "delivered", "read"]
    assert [rank.word for rank in sorted(ReceiptRank)] == names
    assert [ReceiptRank.named(name) for name in names] == sorted(ReceiptRank)


def test_the_evidence_of_a_delivery_counts_more_than_a_failure() -> None:
    assert max(ReceiptRank.UNDELIVERED, ReceiptRank.DELIVERED) is ReceiptRank.DELIVERED
