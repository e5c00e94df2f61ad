"""Messages that a provider can not cope with: each ends as one result, and the next are sent."""

from collections.abc import Sequence

import pytest
import structlog
from msgspec.structs import replace

from campaign_providers.contract import SendStatus
from campaign_providers.http.answers.mapper import ResponseMapper
from campaign_providers.http.connections.dialer import Dialer
from campaign_providers.http.requests.writer import RequestWriter
from campaign_sender.message import Message
from tests.integration.providers.scripted_server import (
    WHOLE,
    answer_all,
    answer_each,
    scripted_server,
)
from tests.integration.providers.submissions import submitting_to
from tests.unit.sender.messages import message

FAULT = "hidden 13961467500"


def fail(*_: object) -> bytes:
    raise TypeError(FAULT)


@pytest.mark.parametrize(
    "wait",
    [
        b"Mon, 01 Jan 99999999999 00:00:00 GMT",
        b"Mon, 01 Jan 2024 00:00:00 +9999999999999",
        b"9" * 400,
    ],
)
def test_an_odd_time_to_wait_is_an_answer(wait: bytes) -> None:
    throttled = b"HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: " + wait + b"\r\n\r\n"
    with (
        scripted_server(answer_each(throttled, WHOLE)) as server,
        submitting_to(server.url, connections=1) as submissions,
    ):
        (first,) = submissions.run(1)
        (second,) = submissions.run(2)
    assert first.status is SendStatus.THROTTLED
    assert second.status is SendStatus.ACCEPTED


@pytest.mark.parametrize(
    ("of", "name", "status", "code"),
    [
        (ResponseMapper, "to_result", SendStatus.AMBIGUOUS, "answer_unreadable"),
        (RequestWriter, "write", SendStatus.UNDELIVERABLE, "request_unwritable"),
        (Dialer, "dial", SendStatus.RETRYABLE, "connect_failed"),
    ],
)
def test_a_fault_of_the_program_costs_no_result(
    monkeypatch: pytest.MonkeyPatch, of: type, name: str, status: SendStatus, code: str
) -> None:
    """The fault is logged once, without its text, which may hold a part of a message."""
    with (
        structlog.testing.capture_logs() as logs,
        scripted_server(answer_all) as server,
        submitting_to(server.url, connections=1) as submissions,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(of, name, fail)
            results = submissions.run(1, 2, 3)
        assert {(result.status, result.error_code) for result in results} == {(status, code)}
        (after,) = submissions.run(4)
        assert after.status is SendStatus.ACCEPTED
        assert submissions.provider.alive
    assert len([entry for entry in logs if "fault" in entry]) == 1
    assert FAULT not in str(logs)


def test_a_message_that_can_not_be_checked_waits() -> None:
    """It is not sent, and the next one is."""

    def check(messages: Sequence[Message]) -> list[None]:
        if messages[0].record.seq == 1:
            raise TypeError(FAULT)
        return [None]

    with (
        scripted_server(answer_all) as server,
        submitting_to(server.url, check, connections=1) as submissions,
    ):
        results = submissions.run(1, 2)
        assert [result.status for result in results] == [SendStatus.DEFERRED, SendStatus.ACCEPTED]
        assert len(server.commands) == 1


def test_a_text_that_no_encoding_has_is_not_sent() -> None:
    """Half a surrogate pair."""
    with (
        scripted_server(answer_all) as server,
        submitting_to(server.url, connections=1) as submissions,
    ):
        broken = message(1)
        record = replace(broken.record, body="\ud800")
        submissions.provider.submit([Message(record, broken.key, 0, 1, 1)])
        (result,) = submissions.wait(1)
        (after,) = submissions.run(2)
    assert (result.status, result.error_code) == (SendStatus.UNDELIVERABLE, "request_unwritable")
    assert after.status is SendStatus.ACCEPTED
