import json
from pathlib import Path

import msgspec

from campaign_common.domain.message_record import (
    WIRE_VERSION,
    MessageRecord,
    MessageTemplate,
    encode,
)

PUBLISHED = Path(__file__).parents[4] / "docs" / "reference" / "message-record.schema.json"


def as_published() -> str:
    return json.dumps(msgspec.json.schema(MessageRecord), indent=2) + "\n"


def test_the_published_schema_is_the_one_that_senders_decode_by() -> None:
    assert PUBLISHED.read_text() == as_published(), (
        "the record has changed: write msgspec.json.schema(MessageRecord) "
        f"to {PUBLISHED.name}, "
        "and raise WIRE_VERSION where an older sender would misread it"
    )


def test_the_published_schema_names_every_field_of_a_record() -> None:
    template = MessageTemplate("order_1", "de", ("Ann",))
    record = MessageRecord(
        WIRE_VERSION, 1, 2, 3, 4, 5, "13961467500", "hi", 6, 7, 8, "too large", template, "Shop"
    )
    definition = json.loads(PUBLISHED.read_text())["$defs"]["MessageRecord"]
    assert set(definition["properties"]) == set(msgspec.json.decode(encode(record)))


def test_a_record_has_every_field_of_the_published_schema() -> None:
    """A record holds every field that the published schema requires."""
    record = MessageRecord(WIRE_VERSION, 1, 2, 3, 4, 5, "13961467500", "hi")
    definition = json.loads(PUBLISHED.read_text())["$defs"]["MessageRecord"]
    assert set(definition["required"]) == set(msgspec.json.decode(encode(record)))
