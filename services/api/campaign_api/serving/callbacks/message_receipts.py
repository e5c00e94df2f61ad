"""Receipts of a verified callback as they are written, and what nothing is done about."""

from collections import Counter

from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_providers.callbacks.facts import Accepted
from campaign_providers.callbacks.references import ReferencePurpose

WITHOUT_REFERENCE = "no_reference"
"""A receipt that names its message by the provider's id alone."""

OTHER_PURPOSE = "other_purpose"
"""A receipt of a message that belongs to no campaign, such as a test message."""


def message_receipts(
    provider: str, accepted: Accepted
) -> tuple[list[MessageReceipt], Counter[str]]:
    """Return the receipts of messages of campaigns, and what else there was, by kind."""
    others: Counter[str] = Counter({kind.value: n for kind, n in accepted.unknown.items()})
    receipts = []
    for receipt in accepted.receipts:
        reference = receipt.reference
        if reference is None:
            others[WITHOUT_REFERENCE] += 1
        elif reference.purpose is not ReferencePurpose.RECEIPT:
            others[OTHER_PURPOSE] += 1
        else:
            _, campaign_id, seq, generation, shard = reference
            receipts.append(
                MessageReceipt(
                    campaign_id=campaign_id,
                    seq=seq,
                    generation=generation,
                    shard=shard,
                    provider=provider,
                    rank=receipt.rank,
                    code=receipt.code,
                    at=receipt.at,
                )
            )
    return receipts, +others
