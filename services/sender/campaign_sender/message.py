"""Message as the sender holds it, from fetch to record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import inf
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.content.price import Price
from campaign_common.domain.message import MessageKey, idempotency_key
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.domain.shard import Epoch
from campaign_common.runtime.boot_time import boot_time
from campaign_providers.contract import Referenced

TraceOrigin = tuple[CampaignId, str]
"""Campaign id, and the traceparent of a publication of some of its messages."""

RECEIPT = ReferencePurpose.RECEIPT

AdmissionKey = tuple[CampaignId, CampaignEpoch, int, int, int]
"""Campaign, its epoch, map version, shard and partition.

The part of the decisions before a send that depends on these alone is made once for all messages
that share them.
"""


@dataclass(slots=True, eq=False)
class Arrival:
    """Fetch of several messages: time in ns since 1970, and the traces that they come from."""

    at: int
    origins: Sequence[TraceOrigin] = ()
    """Set when the messages are admitted."""


class Grant(NamedTuple):
    """Permission of a limited provider to start a message, and the units of a day that it took."""

    until: float
    """Boot time in seconds after which the message must not start."""
    day: date | None = None
    """Day of `PerDay` that the units are of; None: no such limit."""
    units: int = 0
    day_until: float = inf
    """Boot time in seconds at which that day ends."""


def _of_record(name: str, meaning: str) -> Any:  # noqa: ANN401 - a property of the field's type
    return property(attrgetter(f"record.{name}"), doc=meaning)


class Message(msgspec.Struct, gc=False, eq=False):
    """One fetched record with its position and state.

    `key` is the message that the record publishes, `epoch` the claim epoch under which its shard
    was owned at the fetch, `arrival` its fetch where batches are traced. Admission sets `replaces`
    when the ledger row waits for exactly this try, and `in_doubt` when a provider may have accepted
    an earlier try. `withdrawn`: it must not be sent any more, as its recipient is erased or a
    receipt proves an earlier try. Dispatch sets `price` where its provider has one. `provider` is
    the name of the one that the message is
    sent to, from admission on; `ledger_provider` the one that its ledger row names once it was
    sent, None where that follows from the campaign, and `recorded_provider` the one that the row
    names before this try. `sent_after`: it was not sent in its generation before this moment, in
    microseconds since 1970 by the clock of its shard's database server; 0: it is not known.
    `doubts`: the providers that may have accepted it, None standing for one that is not known,
    where its route goes on after doubt; `recorded_doubt`: one is `recorded_provider`.
    `grant`: what it has taken of the limits of its provider; None: nothing. `segments`: number of
    SMS segments, 0 until they are counted. `budget`: currency of its campaign's budget, None
    without one; `reserved`: what is taken of that for the send. `age`: seconds since its first
    send, where the outcome depends on that. Boot times in seconds: dispatch sets `expires_at` where
    the campaign expires, a grant of its campaign's rate `rate_until`, until which it may start, and
    admission `key_known_until`, until which its provider knows the key of a message in doubt for
    certain. `reported_by`: the provider that has reported about it in a receipt, '' where it is the
    one that the campaign names; set where its result proves nothing.
    """

    record: MessageRecord
    key: MessageKey
    partition: int
    offset: int
    epoch: Epoch
    arrival: Arrival | None = None
    replaces: bool = False
    in_doubt: bool = False
    withdrawn: bool = False
    grant: Grant | None = None
    rate_until: float = 0.0
    expires_at: float | None = None
    price: Price | None = None
    provider: str = ""
    ledger_provider: str | None = None
    recorded_provider: str | None = None
    sent_after: int = 0
    doubts: frozenset[str | None] = frozenset()
    recorded_doubt: bool = False
    key_known_until: float = inf
    segments: int = 0
    budget: str | None = None
    reserved: Decimal | None = None
    age: float = 0.0
    reported_by: str | None = None

    @property
    def admission_key(self) -> AdmissionKey:
        """Key of the admission decision, shared by most messages of a batch."""
        record = self.record
        return (
            record.campaign_id,
            record.campaign_epoch,
            record.map_version,
            record.shard,
            self.partition,
        )

    @property
    def has_waited(self) -> bool:
        """Return whether it has started by a grant of a limit, for which it may have waited."""
        return self.grant is not None or self.rate_until > 0

    @property
    def repeats(self) -> bool:
        """Return whether it may have been accepted before, and its provider not know that any more.

        As far as the doubt was known when it was admitted.
        """
        return self.in_doubt and boot_time() >= self.key_known_until

    @property
    def is_doubted_elsewhere(self) -> bool:
        """Return whether another provider than its present one may have accepted it."""
        return any(one != self.provider for one in self.doubts)

    # What providers read of nearly every message, without a frame of Python for each.
    phone = _of_record("phone", "Phone number.")
    body = _of_record("body", "Text.")
    campaign_id = _of_record("campaign_id", "Id of the campaign.")
    seq = _of_record("seq", "Number of the recipient in the campaign's list.")
    originator = _of_record("originator", "Address that the recipient sees; None: the provider's.")
    generation = _of_record("generation", "Times that a person has had the message sent again.")
    try_number = _of_record("try_number", "Number of the try, from 1.")

    @property
    def template_name(self) -> str | None:
        """Name of a template that the provider holds; None: the message is a text."""
        template = self.record.template
        return None if template is None else template.name

    @property
    def template_language(self) -> str | None:
        """Language of the template."""
        template = self.record.template
        return None if template is None else template.language

    @property
    def parts(self) -> tuple[str, ...]:
        """Parameters of the template."""
        template = self.record.template
        return () if template is None else template.parts

    @property
    def expires_in(self) -> float | None:
        """Seconds until the message expires; None: it does not."""
        return None if self.expires_at is None else self.expires_at - boot_time()

    @property
    def referenced(self) -> Referenced:
        """Content of its reference, for receipts: the same in every try."""
        record = self.record
        return RECEIPT, record.campaign_id, record.seq, record.generation, record.shard

    @property
    def idempotency_key(self) -> str:
        """Idempotency key for the provider, the same in every try."""
        record = self.record
        return idempotency_key(record.campaign_id, record.seq, record.generation)
