"""Single message as a sender holds it, from the time at which it was taken."""

from campaign_common.domain.campaign import CampaignEpoch
from campaign_common.domain.message import MessageKey
from campaign_common.domain.message_record import CONTENT_VERSION, TEXT_VERSION, MessageRecord
from campaign_common.domain.receipts.reference_purpose import LARGEST_SEQ, ReferencePurpose
from campaign_common.domain.shard import Epoch
from campaign_common.store.limits.single_sends import UNLIMITED, UnitsOfDay
from campaign_common.store.messages.single_messages import TakenSingleMessage
from campaign_providers.contract import Referenced
from campaign_sender.message import Message


class SingleMessage(Message, gc=False, eq=False):
    """Single message as a provider accepts it."""

    single_id: int = 0
    purpose: ReferencePurpose = ReferencePurpose.TEST
    taken_at: float = 0.0
    """Boot time in seconds."""
    units: UnitsOfDay = UNLIMITED
    """Units that it took of the provider's day."""

    @property
    def referenced(self) -> Referenced:
        """Content of its reference: its purpose, and its id in place of a seq."""
        return self.purpose, self.record.campaign_id, self.single_id & LARGEST_SEQ, 0, 0

    @property
    def idempotency_key(self) -> str:
        """Idempotency key for the provider."""
        return f"{self.purpose.name.lower()}-{self.single_id}"


def single_message(message: TakenSingleMessage, taken_at: float) -> SingleMessage:
    """Make a message for a provider; `taken_at`: boot time in seconds."""
    body, template = message.rendered
    is_plain = template is None and message.originator is None
    record = MessageRecord(
        TEXT_VERSION if is_plain else CONTENT_VERSION,
        message.campaign_id,
        seq=0,
        shard=0,
        campaign_epoch=CampaignEpoch(0),
        map_version=0,
        phone=message.phone,
        body=body,
        template=template,
        originator=message.originator,
    )
    key = MessageKey(message.campaign_id, 0)
    single = SingleMessage(
        record,
        key,
        -1,
        -1,
        Epoch(0),
        single_id=message.id,
        purpose=message.purpose,
        taken_at=taken_at,
    )
    single.provider = message.provider
    return single
