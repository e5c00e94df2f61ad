from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from campaign_common.settings import HttpSettings
from campaign_common.settings.sections.providers.answers import status_rules
from campaign_providers.contract import SendStatus
from campaign_providers.http.answers.mapper import (
    MAX_RETRY_AFTER,
    ResponseMapper,
    read_retry_after,
)
from campaign_providers.http.answers.reader import HttpResponse
from campaign_providers.http.requests.fixed_body import as_templates
from tests.unit.sender.messages import message

NOW = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)
DEFAULT = ResponseMapper(HttpSettings().answers)


def answer(status: int, *, body: bytes = b"", retry_after: str | None = None) -> HttpResponse:
    return HttpResponse(
        status, {} if retry_after is None else {"retry-after": retry_after}, body, reusable=True
    )


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, SendStatus.ACCEPTED),
        (202, SendStatus.ACCEPTED),
        (204, SendStatus.ACCEPTED),
        (301, SendStatus.PERMANENT),
        (307, SendStatus.PERMANENT),
        (400, SendStatus.PERMANENT),
        (401, SendStatus.ACCOUNT),
        (402, SendStatus.ACCOUNT),
        (403, SendStatus.PERMANENT),
        (408, SendStatus.RETRYABLE),
        (409, SendStatus.AMBIGUOUS),
        (429, SendStatus.THROTTLED),
        (499, SendStatus.PERMANENT),
        (500, SendStatus.AMBIGUOUS),
        (503, SendStatus.AMBIGUOUS),
        (101, SendStatus.AMBIGUOUS),
        (999, SendStatus.AMBIGUOUS),
    ],
)
def test_the_default_statuses_claim_no_unproven_refusal(status: int, meaning: SendStatus) -> None:
    assert DEFAULT.to_result(message(), answer(status)).status is meaning


def test_a_single_code_goes_before_its_class() -> None:
    table = ResponseMapper(status_rules({"5xx": "retryable", 501: "permanent"}))
    assert table.to_result(message(), answer(500)).status is SendStatus.RETRYABLE
    assert table.to_result(message(), answer(501)).status is SendStatus.PERMANENT


def test_the_error_code_names_the_status_and_fits_the_ledger() -> None:
    assert DEFAULT.to_result(message(), answer(503)).error_code == "http_503"
    assert DEFAULT.to_result(message(), answer(200)).error_code is None


def test_what_the_provider_asks_for_goes_with_the_result() -> None:
    assert DEFAULT.to_result(message(), answer(429, retry_after="7")).retry_after == 7.0
    assert DEFAULT.to_result(message(), answer(429)).retry_after is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        ("Sunday, 17-May-26 12:01:30 GMT", 90.0),  # RFC 850, which receivers must accept
        ("Sun May 17 12:01:30 2026", 90.0),  # asctime, likewise
        ("999999999999", MAX_RETRY_AFTER),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Sun, 99 May 2026 12:00:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"id": "abc-1"}', "abc-1"),
        (b'{"id": 17}', "17"),
        (b'{"id": "' + b"x" * 128 + b'"}', "x" * 128),
        (b'{"id": "' + b"x" * 129 + b'"}', None),
        ('{"id": "ü"}'.encode(), None),
        (b'{"id": "a\\nb"}', None),
        (b'{"id": ""}', None),
        (b'{"id": true}', None),
        (b'{"id": null}', None),
        (b'{"id": {"id": 1}}', None),
        (b'{"other": "abc"}', None),
        (b'["id"]', None),
        (b"OK", None),
        (b"", None),
        (b'{"id": "\xff"}', None),
        (b"[" * 60_000, None),
        (b'{"id": ' + b"9" * 5_000 + b"}", None),
    ],
)
def test_the_providers_own_id_is_taken_only_where_it_fits(body: bytes, found: str | None) -> None:
    mapper = ResponseMapper(as_templates(HttpSettings(url="http://a.example/")).answers)
    result = mapper.to_result(message(), answer(200, body=body))
    assert (result.status, result.provider_message_id) == (SendStatus.ACCEPTED, found)


def test_the_id_may_stand_deeper() -> None:
    settings = HttpSettings(url="http://a.example/", message_id_field="data.message.id")
    body = b'{"data": {"message": {"id": "m1"}}}'
    result = ResponseMapper(as_templates(settings).answers).to_result(
        message(), answer(200, body=body)
    )
    assert result.provider_message_id == "m1"
