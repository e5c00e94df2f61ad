"""The record that travels through Kafka: one message of one campaign, JSON, versioned.

The key of a record is the phone number, its partition follows from the shard. The schema
is published as docs/reference/message-record.schema.json.

Services of neighbouring versions run side by side. Within a wire version fields are only added,
each with a default: who does not know one passes it over. Whatever else changes raises the
version; a record of every version is a JSON object with an integer `wire_version`, and builds
read all versions from 1 to their own.
"""

from typing import Annotated

import msgspec

from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.message import LARGEST_GENERATION, LARGEST_TRY
from campaign_common.errors import RecordInvalid, RecordTooNew

WIRE_VERSION = 2
"""The latest version, which this build writes and reads as it does all before it."""

TEXT_VERSION = 1
"""The version of a text from the provider's own originator, which senders of 0.2.0 read."""

CONTENT_VERSION = 2
"""The version of a record with content or an originator of its own, or of a campaign with a route,
a rate, a budget or links to unsubscribe: an older sender, which would send it without them, or to
people who have unsubscribed, leaves it to a newer one (protocol rule 1)."""

LARGEST_RECORD = 65_536
"""Bytes of an encoded record; no provider takes a text message of that size."""

ERASED = "erased"
"""The value of `undeliverable` for an erased recipient: the message ends as suppressed."""


# The bounds are those of the ledger's columns. A value that these cannot hold would keep everything
# that is recorded with it from being recorded.
_Seq = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_Generation = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_GENERATION)]
_Attempts = Annotated[int, msgspec.Meta(ge=0, le=2**16 - 1)]
_Try = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_TRY)]
_ErrorCode = Annotated[str, msgspec.Meta(pattern="^[ -~]*$")]


class MessageTemplate(msgspec.Struct, frozen=True, gc=False):
    """A message of a template that the provider holds: name, language, and parameters in order."""

    name: str
    language: str
    parts: tuple[str, ...]


class MessageRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One publication of a message.

    `try_number` goes up with every publication that follows an outcome; `attempts` counts
    what the retry policy counts; `generation` goes up when a person retries a final failure
    (protocol rule 1). A message that can never be delivered travels with `undeliverable`
    saying why, so that its outcome is recorded like any other.

    `body` is empty where there is a `template`. `originator`, on the wire `from`, is
    set where the campaign has one of its own.
    """

    wire_version: int
    campaign_id: CampaignId
    seq: _Seq
    shard: int
    campaign_epoch: CampaignEpoch
    map_version: int
    phone: str
    body: str
    generation: _Generation = 0
    try_number: _Try = 1
    attempts: _Attempts = 0
    undeliverable: _ErrorCode | None = None
    template: MessageTemplate | None = None
    originator: str | None = msgspec.field(name="from", default=None)


class _AnyVersion(msgspec.Struct):
    """The fields that a record of every version has."""

    wire_version: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(MessageRecord)
_version_decoder = msgspec.json.Decoder(_AnyVersion)

encode = _encoder.encode


def decode(value: bytes | str | None) -> MessageRecord:
    """Read a record.

    Raises:
        RecordInvalid: not JSON, a field missing or of the wrong type, or no version at all.
        RecordTooNew: a version that this build does not know yet.
    """
    if value is None:
        raise RecordInvalid("the record has no value")
    try:
        record = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_newer(value)
        raise RecordInvalid(str(error)) from error
    if not 1 <= record.wire_version <= WIRE_VERSION:
        _refuse_newer(value)
        raise RecordInvalid(f"wire_version {record.wire_version} is none from 1 to {WIRE_VERSION}")
    return record


def _refuse_newer(value: bytes | str) -> None:
    try:
        version = _version_decoder.decode(value).wire_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if version > WIRE_VERSION:
        raise RecordTooNew(version, WIRE_VERSION)
