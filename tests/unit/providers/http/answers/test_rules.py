"""Answers as ordered rules read them."""

import pytest

from campaign_common.settings import AnswerRule
from campaign_providers.contract import SendStatus
from campaign_providers.http.answers.mapper import ResponseMapper
from campaign_providers.http.answers.reader import HttpResponse
from tests.unit.providers.gateways import Outbound, gateway

VONAGE = [
    {"Status": 200, "Json": {"messages.0.status": "0"}, "Then": "success", "Id": "messages.0.id"},
    {"Json": {"messages.0.status": ["1", 9]}, "Then": "throttled", "Code": "messages.0.status"},
    {"Json": {"messages.0.text": {"Matches": "(?i)opted out"}}, "Then": "permanent"},
    {"Status": [403, "5xx"], "Text": "queue full", "Then": "throttled"},
    {"Text": "OK: ", "Then": "success", "Id": {"Matches": r"id=([\w-]+)"}},
]


def mapper(rules: list[dict[str, object]]) -> ResponseMapper:
    return ResponseMapper(gateway(Answers=rules).answers)


def answer(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, is_whole: bool = True
) -> HttpResponse:
    return HttpResponse(status, headers or {}, body, reusable=True, is_whole=is_whole)


@pytest.mark.parametrize(
    ("response", "status", "detail"),
    [
        (answer(200, b'{"messages":[{"status":"0","id":"m1"}]}'), SendStatus.ACCEPTED, "m1"),
        (answer(200, b'{"messages":[{"status":0,"id":7}]}'), SendStatus.ACCEPTED, "7"),
        (answer(200, b'{"messages":[{"status":"0"}]}'), SendStatus.ACCEPTED, None),
        (answer(200, b'{"messages":[{"status":"1"}]}'), SendStatus.THROTTLED, "1"),
        (answer(200, b'{"messages":[{"status":9}]}'), SendStatus.THROTTLED, "9"),
        (answer(400, b'{"messages":[{"status":9}]}'), SendStatus.THROTTLED, "9"),
        (answer(200, b'{"messages":[{"text":"Opted Out"}]}'), SendStatus.PERMANENT, "http_200"),
        (answer(403, b"the queue full"), SendStatus.THROTTLED, "http_403"),
        (answer(503, b"the queue full"), SendStatus.THROTTLED, "http_503"),
        (answer(404, b"the queue full"), SendStatus.PERMANENT, "http_404"),
        (answer(200, b"OK: id=ab-1;"), SendStatus.ACCEPTED, "ab-1"),
        # By status, as nothing matches: what was read says nothing else.
        (answer(200, b"{}"), SendStatus.ACCEPTED, None),
        (answer(429), SendStatus.THROTTLED, "http_429"),
        (answer(500, b"<html>"), SendStatus.AMBIGUOUS, "http_500"),
        (answer(400, b"<html>"), SendStatus.PERMANENT, "http_400"),
        # A 2xx whose body a rule needs and that can not be read.
        (answer(200, b"<html>"), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(200), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(202, b'{"messages":'), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(200, is_whole=False), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(200, b"[" * 60_000), SendStatus.AMBIGUOUS, "answer_unreadable"),
    ],
)
def test_the_first_rule_that_matches_decides(
    response: HttpResponse, status: SendStatus, detail: str | None
) -> None:
    result = mapper(VONAGE).to_result(Outbound(), response)
    assert (result.status, result.provider_message_id or result.error_code) == (status, detail)


@pytest.mark.parametrize(
    ("wanted", "body", "matches"),
    [
        ({"a": 1}, b'{"a":1}', True),
        ({"a": 1}, b'{"a":"1"}', True),
        ({"a": "1"}, b'{"a":1.0}', True),
        ({"a": True}, b'{"a":true}', True),
        ({"a": 1}, b'{"a":true}', False),
        ({"a": None}, b'{"a":null}', True),
        ({"a": None}, b"{}", False),
        ({"a": "x"}, b'{"a":["x"]}', False),
        ({"a.0": "x"}, b'{"a":["x"]}', True),
        ({"a.1": "x"}, b'{"a":["x"]}', False),
        ({"a.-1": "x"}, b'{"a":["x"]}', False),
        ({"0.a": "x"}, b'[{"a":"x"}]', True),
        ({"0": "x"}, b'{"0":"x"}', True),
        ({"a": "x", "b": "y"}, b'{"a":"x"}', False),
        ({"a": {"Matches": "^2[0-9]$"}}, b'{"a":21}', True),
        ({"a": {"Matches": "^2[0-9]$"}}, b'{"a":210}', False),
    ],
)
def test_values_are_compared_as_text(wanted: dict[str, object], body: bytes, matches: bool) -> None:
    rules: list[dict[str, object]] = [{"Json": wanted, "Then": "retryable"}]
    status = mapper(rules).to_result(Outbound(), answer(200, body)).status
    assert (status is SendStatus.RETRYABLE) is matches


def test_the_rule_that_matched_is_told() -> None:
    match = mapper(VONAGE).match(answer(503, b"queue full"))
    assert isinstance(match.rule, AnswerRule)
    assert match.rule.text == "queue full"


@pytest.mark.parametrize(
    ("rule", "headers", "body", "seconds"),
    [
        ({}, {"retry-after": "7"}, b"", 7.0),
        ({"RetryAfter": {"Header": "X-Reset"}}, {"x-reset": "8", "retry-after": "7"}, b"", 8.0),
        ({"RetryAfter": {"Json": "wait.s"}}, {}, b'{"wait":{"s":1.5}}', 1.5),
        ({"RetryAfter": {"Json": "wait.s"}}, {}, b'{"wait":{"s":"9"}}', 9.0),
        ({"RetryAfter": {"Json": "wait.s"}}, {}, b'{"wait":{"s":-9}}', 0.0),
        ({"RetryAfter": {"Json": "wait.s"}}, {"retry-after": "7"}, b"{}", None),
        ({"RetryAfter": {"Json": "wait.s"}}, {}, b"no JSON", None),
    ],
)
def test_an_answer_may_say_how_long_to_wait(
    rule: dict[str, object], headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    read = mapper([{"Status": 429, "Then": "throttled", **rule}])
    assert "retry-after" in read.kept_headers
    assert set(headers) <= read.kept_headers
    assert read.to_result(Outbound(), answer(429, body, headers)).retry_after == seconds


def test_an_effect_goes_with_the_result() -> None:
    read = mapper([{"Json": {"code": 21610}, "Then": "permanent", "Effect": "suppress"}])
    assert read.to_result(Outbound(), answer(400, b'{"code":21610}')).suppress
    assert not read.to_result(Outbound(), answer(400, b'{"code":21611}')).suppress


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("connection_refused", SendStatus.THROTTLED),
        ("name_not_resolved", SendStatus.RETRYABLE),
        ("tls_failed", SendStatus.RETRYABLE),
        ("timeout", SendStatus.AMBIGUOUS),
        ("connection_lost", SendStatus.AMBIGUOUS),
        ("answer_malformed", SendStatus.AMBIGUOUS),
        ("abandoned", SendStatus.AMBIGUOUS),
    ],
)
def test_no_answer_may_have_a_rule(code: str, status: SendStatus) -> None:
    read = mapper(
        [
            {"Transport": ["connection_refused", "connect_timeout"], "Then": "throttled"},
            {"Transport": "timeout", "Then": "ambiguous"},
            {"Then": "success"},
        ]
    )
    assert read.without_response(Outbound(), code).status is status


@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ('"invalid number"', "invalid number"),
        ('"' + "x" * 40 + '"', "x" * 32),
        ("21211", "21211"),
        ('"ü"', "http_400"),
        ("null", "http_400"),
        ("[1]", "http_400"),
    ],
)
def test_the_code_is_stored_where_it_fits(code: str, stored: str) -> None:
    read = mapper([{"Status": 400, "Then": "permanent", "Code": "code"}])
    result = read.to_result(Outbound(), answer(400, f'{{"code":{code}}}'.encode()))
    assert result.error_code == stored
