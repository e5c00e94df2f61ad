import json
from datetime import UTC, datetime
from typing import Any

import pytest

from campaign_api.errors import RequestMalformed
from campaign_api.schemas.create_campaign import read_create_campaign

SAMPLE: dict[str, Any] = {
    "campaign_name": "game0",
    "campaign_id": 1000000000,
    "message_template": "hi, this is a test message.",
    "scheduled_time": 1727351999,
    "csv_file_path": "recipients.csv",
}


def body(**changes: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps({**SAMPLE, **changes}).encode()


def test_the_original_request_is_understood() -> None:
    request = read_create_campaign(body())
    assert request.campaign_id == 1000000000
    assert request.scheduled_at == datetime(2024, 9, 26, 11, 59, 59, tzinfo=UTC)


def test_equal_requests_have_equal_digests() -> None:
    """Equal requests have equal digests however they are written."""
    shuffled = json.dumps(dict(reversed(SAMPLE.items())), indent=3).encode()
    assert read_create_campaign(body()).digest() == read_create_campaign(shuffled).digest()


@pytest.mark.parametrize("field", SAMPLE)
def test_every_field_counts_in_the_digest(field: str) -> None:
    changed = body(**{field: SAMPLE[field] * 2 if isinstance(SAMPLE[field], str) else 5})
    assert read_create_campaign(changed).digest() != read_create_campaign(body()).digest()


@pytest.mark.parametrize("field", SAMPLE)
def test_missing_field_is_named(field: str) -> None:
    document = {name: value for name, value in SAMPLE.items() if name != field}
    with pytest.raises(RequestMalformed, match=f"{field} is missing"):
        read_create_campaign(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("campaign_id", "5", "must be an integer"),
        ("campaign_id", True, "must be an integer"),
        ("campaign_id", 5.5, "must be an integer"),
        ("campaign_id", 0, "from 1 to 1099511627775"),
        ("campaign_id", 2**40, "from 1 to 1099511627775"),
        ("campaign_id", None, "must not be null"),
        ("scheduled_time", 1727351999000, "looks like milliseconds; did you mean 1727351999?"),
        ("scheduled_time", -1, "not negative"),
        ("scheduled_time", "now", "must be an integer"),
        ("campaign_name", "", "1 to 255 characters"),
        ("campaign_name", "x" * 256, "1 to 255 characters"),
        ("campaign_name", 5, "must be a string"),
        ("campaign_name", "a\0b", "without NUL"),
        ("message_template", "\ud800", "Unicode"),
        ("message_template", "x" * 16_001, "1 to 16000 characters"),
        ("csv_file_path", ["a.csv"], "must be a string"),
        ("colour", "red", "is not a field of this request"),
    ],
)
def test_wrong_field_is_refused_by_name(field: str, value: object, said: str) -> None:
    with pytest.raises(RequestMalformed) as refusal:
        read_create_campaign(body(**{field: value}))
    assert str(refusal.value).startswith(field)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff\xfe\xfa",
        b"[" * 100_000,
        b'{"campaign_id": 1' + b"0" * 5000 + b"}",
        b'{"campaign_id": 1, "campaign_id": 2}',
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestMalformed, match="the body"):
        read_create_campaign(raw)
