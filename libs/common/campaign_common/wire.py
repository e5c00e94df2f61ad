"""The record that travels through Kafka: one message of one campaign, JSON, versioned.

The key of a record is the phone number, its partition follows from the shard. The schema
is published as docs/message-record.schema.json.
"""

import msgspec

from campaign_common.errors import RecordInvalid

WIRE_VERSION = 1

ERASED = "erased"
"""What `undeliverable` says of a recipient who was erased: the message ends as cancelled."""


class MessageRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One publication of a message.

    `try_number` goes up with every publication that follows an outcome; `attempts` counts
    what the retry policy counts; `generation` goes up when a person retries a final failure
    (protocol rule 1). A message that can never be delivered travels with `undeliverable`
    saying why, so that its outcome is recorded like any other.
    """

    wire_version: int
    campaign_id: int
    seq: int
    shard: int
    campaign_epoch: int
    map_version: int
    phone: str
    body: str
    generation: int = 0
    try_number: int = 1
    attempts: int = 0
    undeliverable: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(MessageRecord)

encode = _encoder.encode


def decode(value: bytes | None) -> MessageRecord:
    """Read a record.

    Raises:
        RecordInvalid: not JSON, a field missing or of the wrong type, or a version that
            this build does not know.
    """
    if value is None:
        raise RecordInvalid("the record has no value")
    try:
        record = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordInvalid(str(error)) from error
    if record.wire_version != WIRE_VERSION:
        raise RecordInvalid(f"wire_version {record.wire_version} is not {WIRE_VERSION}")
    return record


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a record."""
    return msgspec.json.schema(MessageRecord)
