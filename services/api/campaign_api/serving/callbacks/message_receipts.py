"""Receipts of a verified callback as they are written, and what nothing is done about."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt, hash_of_id
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.store.messages.trial_receipts import TrialReceipt
from campaign_providers.callbacks.facts import Accepted, Receipt
from campaign_providers.callbacks.references import MessageReference, ReferencePurpose

WITHOUT_REFERENCE = "no_reference"
"""A receipt that names its message by the provider's id alone, where others have references."""

OTHER_PURPOSE = "other_purpose"
"""A receipt of a check, or of another message that belongs to no campaign."""

INBOUND = "inbound"
"""A message of a person in a webhook that has both."""

SideReceipt = IdentifiedReceipt | TrialReceipt
"""A receipt whose message is to be found by the provider's id, or is a test message."""


class CallbackReceipts(NamedTuple):
    """The receipts of a callback, by the way in which they are written."""

    of_messages: list[MessageReceipt]
    beside: list[SideReceipt]
    others: Counter[str]
    """Things that nothing is done about, by kind."""


def message_receipts(
    provider: str, accepted: Accepted, found_by_id: Collection[str] = ()
) -> CallbackReceipts:
    """Return the receipts of messages, and what else there was, by kind.

    `found_by_id`: the providers whose receipts carry no reference.
    """
    others: Counter[str] = Counter({kind.value: n for kind, n in accepted.unknown.items()})
    others[INBOUND] += len(accepted.inbound)
    receipts: list[MessageReceipt] = []
    beside: list[SideReceipt] = []
    for receipt in accepted.receipts:
        reference = receipt.reference
        if reference is None:
            message_id = receipt.provider_message_id
            if provider in found_by_id and message_id is not None:
                id_hash = hash_of_id(provider, message_id)
                beside.append(
                    IdentifiedReceipt(provider, id_hash, receipt.rank, receipt.code, receipt.at)
                )
            else:
                others[WITHOUT_REFERENCE] += 1
        elif reference.purpose is ReferencePurpose.RECEIPT:
            receipts.append(_of_message(provider, reference, receipt))
        elif reference.purpose is ReferencePurpose.TEST and reference.campaign_id:
            beside.append(_of_test(provider, reference, receipt))
        else:
            others[OTHER_PURPOSE] += 1
    return CallbackReceipts(receipts, beside, +others)


def _of_message(provider: str, reference: MessageReference, receipt: Receipt) -> MessageReceipt:
    _, campaign_id, seq, generation, shard = reference
    return MessageReceipt(
        campaign_id=campaign_id,
        seq=seq,
        generation=generation,
        shard=shard,
        provider=provider,
        rank=receipt.rank,
        code=receipt.code,
        at=receipt.at,
    )


def _of_test(provider: str, reference: MessageReference, receipt: Receipt) -> TrialReceipt:
    """Return the receipt of a test message, whose id is in place of a seq."""
    return TrialReceipt(
        reference.seq, reference.campaign_id, provider, receipt.rank, receipt.code, receipt.at
    )
