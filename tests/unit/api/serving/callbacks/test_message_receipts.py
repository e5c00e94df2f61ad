"""The way in which each receipt of a callback is written."""

from collections import Counter

from campaign_api.serving.callbacks.message_receipts import message_receipts
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt, hash_of_id
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.shard import Shard
from campaign_common.store.messages.single_messages import NO_CAMPAIGN
from campaign_common.store.messages.trial_receipts import TrialReceipt
from campaign_providers.callbacks.facts import Accepted, Receipt
from campaign_providers.callbacks.references import MessageReference, ReferencePurpose

RANK = ReceiptRank.DELIVERED


def receipt(purpose: ReferencePurpose | None, campaign: int = 7) -> Receipt:
    reference = None
    if purpose is not None:
        reference = MessageReference(purpose, CampaignId(campaign), 5, 1, Shard(3))
    return Receipt(RANK, reference, "id", "DELIVRD", code="0")


def test_a_receipt_goes_the_way_of_its_reference() -> None:
    receipts = message_receipts(
        "gate",
        Accepted(
            (
                receipt(ReferencePurpose.RECEIPT),
                receipt(ReferencePurpose.TEST),
                receipt(ReferencePurpose.TEST, campaign=0),
                receipt(ReferencePurpose.ANSWER),
            )
        ),
    )
    message = MessageReceipt(CampaignId(7), 5, 1, Shard(3), "gate", RANK, "0")
    assert receipts.of_messages == [message]
    answer = TrialReceipt(5, NO_CAMPAIGN, "gate", RANK, "0", purpose=ReferencePurpose.ANSWER)
    assert receipts.beside == [TrialReceipt(5, CampaignId(7), "gate", RANK, "0"), answer]
    assert receipts.others == Counter(other_purpose=1)


def test_only_a_provider_without_references_is_found_by_id() -> None:
    accepted = Accepted((receipt(None),))
    assert message_receipts("gate", accepted).others == Counter(no_reference=1)
    found = message_receipts("gate", accepted, {"gate"})
    assert found.beside == [IdentifiedReceipt("gate", hash_of_id("gate", "id"), RANK, "0")]
    assert found.others == Counter()


def test_an_id_is_one_of_its_provider_only() -> None:
    assert hash_of_id("gate", "id") != hash_of_id("gat", "eid")
    assert hash_of_id("gate", "id") != hash_of_id("other", "id")
