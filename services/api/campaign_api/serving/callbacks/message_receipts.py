"""Receipts of a verified callback as they are written, and what nothing is done about."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt, hash_of_id
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.store.messages.single_messages import NO_CAMPAIGN
from campaign_common.store.messages.trial_receipts import TrialReceipt
from campaign_providers.callbacks.facts import Accepted
from campaign_providers.callbacks.references import ReferencePurpose

WITHOUT_REFERENCE = "no_reference"
"""A receipt that names its message by the provider's id alone, where others have references."""

OTHER_PURPOSE = "other_purpose"
"""A receipt of a check."""

SideReceipt = IdentifiedReceipt | TrialReceipt
"""A receipt whose message is to be found by the provider's id, or is a single message."""


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
    receipts: list[MessageReceipt] = []
    beside: list[SideReceipt] = []
    for receipt in accepted.receipts:
        reference, rank, code, at = receipt.reference, receipt.rank, receipt.code, receipt.at
        if reference is None:
            message_id = receipt.provider_message_id
            if provider in found_by_id and message_id is not None:
                id_hash = hash_of_id(provider, message_id)
                beside.append(IdentifiedReceipt(provider, id_hash, rank, code, at))
            else:
                others[WITHOUT_REFERENCE] += 1
        elif reference.purpose is ReferencePurpose.RECEIPT:
            _, campaign_id, seq, generation, shard = reference
            # By position, which takes half as long: there may be 10,000 in a second.
            receipts.append(
                MessageReceipt(campaign_id, seq, generation, shard, provider, rank, code, at)
            )
        elif reference.purpose is ReferencePurpose.TEST and reference.campaign_id:
            # The id of a test message is in place of a seq.
            test_id, campaign_id = reference.seq, reference.campaign_id
            beside.append(TrialReceipt(test_id, campaign_id, provider, rank, code, at))
        elif reference.purpose is ReferencePurpose.ANSWER:
            beside.append(
                TrialReceipt(
                    reference.seq, NO_CAMPAIGN, provider, rank, code, at, reference.purpose
                )
            )
        else:
            others[OTHER_PURPOSE] += 1
    return CallbackReceipts(receipts, beside, +others)
