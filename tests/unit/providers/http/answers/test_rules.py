"""Answers as ordered rules read them."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.settings import AnswerRule
from campaign_providers.contract import SendStatus
from campaign_providers.http.answers.mapper import (
    MAX_ERROR_CODE_LENGTH,
    MAX_RETRY_AFTER,
    ResponseMapper,
    fitting,
)
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
        (answer(200, b"OK: id=ab-1;"), SendStatus.ACCEPTED, "ab-1"),
        # By status, as nothing matches.
        (answer(404, b"{}"), SendStatus.PERMANENT, "http_404"),
        (answer(401, b"<html>"), SendStatus.ACCOUNT, "http_401"),
        (answer(429), SendStatus.THROTTLED, "http_429"),
        (answer(500, b"<html>"), SendStatus.AMBIGUOUS, "http_500"),
        # A 2xx that says something else than the rules that asked for its body.
        (answer(200, b"{}"), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(200, b'{"messages":[{"status":"2"}]}'), SendStatus.AMBIGUOUS, "answer_unreadable"),
        # A refusal for good, or a 2xx, whose body a rule needs and that can not be read.
        (answer(200, b"<html>"), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(400, b"<html>"), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(302), SendStatus.AMBIGUOUS, "answer_unreadable"),
        (answer(404, b"the queue full"), SendStatus.AMBIGUOUS, "answer_unreadable"),
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
    ("last", "response", "status"),
    [
        ({"Status": "2xx", "Then": "success"}, answer(200, b'{"a":2}'), SendStatus.ACCEPTED),
        ({"Status": "2xx", "Then": "permanent"}, answer(200, b'{"a":2}'), SendStatus.PERMANENT),
        ({"Status": "4xx", "Then": "permanent"}, answer(400, b"<html>"), SendStatus.PERMANENT),
        ({"Status": "5xx", "Then": "success"}, answer(200, b'{"a":2}'), SendStatus.AMBIGUOUS),
    ],
)
def test_a_rule_of_ones_own_decides_by_the_status(
    last: dict[str, object], response: HttpResponse, status: SendStatus
) -> None:
    read = mapper([{"Json": {"a": 1}, "Then": "success"}, last])
    assert read.to_result(Outbound(), response).status is status


def test_a_2xx_is_a_success_where_no_rule_asks_for_its_body() -> None:
    read = mapper([{"Status": 400, "Json": {"a": 1}, "Then": "retryable"}])
    assert read.to_result(Outbound(), answer(200, b"<html>")).status is SendStatus.ACCEPTED


def test_a_pattern_is_searched_for_in_the_beginning_alone() -> None:
    read = mapper([{"Then": "success", "Id": {"Matches": r"id=(\w+)"}}])
    found = [
        read.to_result(Outbound(), answer(200, b" " * blanks + b"id=abc")).provider_message_id
        for blanks in (4_090, 4_096)
    ]
    assert found == ["abc", None]


ANSWERS = st.builds(
    HttpResponse,
    st.sampled_from([200, 202, 400, 403, 429, 503, 999]),
    st.dictionaries(
        st.just("retry-after"),
        st.one_of(
            st.text(max_size=40),
            st.integers().map(str),
            st.sampled_from(["9" * 400, "Mon, 01 Jan 99999999999 00:00:00 GMT"]),
            st.integers().map(lambda n: f"Mon, 01 Jan 2024 00:00:00 +{n}"),
        ),
    ),
    st.one_of(
        st.binary(max_size=100),
        st.integers().map(lambda n: b'{"a":%d}' % n),
        st.sampled_from([b'{"a":' + b"1" * n + b"}" for n in (127, 129, 400, 4_000, 5_000)]),
        st.sampled_from([b'{"a":1e400}', b'{"a":-1e308}', b"[" * 60_000]),
        st.text(max_size=40).map(lambda text: msgspec.json.encode({"a": text})),
    ),
    st.booleans(),
    st.booleans(),
)


READERS = [
    mapper([{"Then": word, "Id": place, "Code": place, **more}])
    for word, place, more in (
        ("success", "a", {"Json": {"a": {"Matches": "1"}}}),
        ("success", {"Matches": "(.+)"}, {"Text": "1"}),
        ("success", {"Matches": "(x)?"}, {}),
        ("permanent", "a", {}),
        ("permanent", {"Matches": "(.+)"}, {"Json": {"a": 1}}),
        ("throttled", "a", {"RetryAfter": {"Json": "a"}}),
        ("throttled", "a", {"RetryAfter": {"Header": "Retry-After"}}),
    )
]


@settings(deadline=None)
@given(response=ANSWERS, read=st.sampled_from(READERS))
def test_every_answer_has_a_result(response: HttpResponse, read: ResponseMapper) -> None:
    """Whatever a gateway says, the message ends, and what is stored fits."""
    result = read.to_result(Outbound(), response)
    assert fitting(result.provider_message_id or "x") is not None
    assert len(result.error_code or "") <= MAX_ERROR_CODE_LENGTH
    assert 0 <= (result.retry_after or 0) <= MAX_RETRY_AFTER


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
        ({"RetryAfter": {"Json": "s"}}, {}, b'{"s":' + b"1" * 400 + b"}", MAX_RETRY_AFTER),
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


def test_a_rule_that_looks_for_an_error_leaves_successes_alone() -> None:
    """It names no status and describes no success: a 2xx without that error is accepted."""
    read = mapper([{"Json": {"code": 21610}, "Then": "permanent"}])
    assert read.to_result(Outbound(), answer(201, b'{"sid":"SM1"}')).status is SendStatus.ACCEPTED
    assert read.to_result(Outbound(), answer(200, b'{"code":21610}')).status is SendStatus.PERMANENT


def test_an_effect_goes_with_the_result() -> None:
    read = mapper([{"Json": {"code": 21610}, "Then": "permanent", "Effect": "suppress"}])
    assert read.to_result(Outbound(), answer(400, b'{"code":21610}')).suppress
    assert not read.to_result(Outbound(), answer(400, b'{"code":21611}')).suppress


def test_a_limit_of_a_recipient_is_read() -> None:
    read = mapper([{"Json": {"code": 131056}, "Then": "throttled", "Scope": "recipient"}])
    assert read.to_result(Outbound(), answer(400, b'{"code":131056}')).of_recipient
    assert not read.to_result(Outbound(), answer(429, b'{"code":130429}')).of_recipient


@pytest.mark.parametrize(
    ("code", "status", "nothing_sent"),
    [
        ("connection_refused", SendStatus.THROTTLED, True),
        ("name_not_resolved", SendStatus.RETRYABLE, True),
        ("tls_failed", SendStatus.RETRYABLE, True),
        ("timeout", SendStatus.AMBIGUOUS, False),
        ("connection_lost", SendStatus.AMBIGUOUS, False),
        ("answer_malformed", SendStatus.AMBIGUOUS, False),
        ("abandoned", SendStatus.AMBIGUOUS, False),
    ],
)
def test_no_answer_may_have_a_rule(code: str, status: SendStatus, nothing_sent: bool) -> None:
    read = mapper(
        [
            {"Transport": ["connection_refused", "connect_timeout"], "Then": "throttled"},
            {"Transport": "timeout", "Then": "ambiguous"},
            {"Then": "success"},
        ]
    )
    result = read.without_response(Outbound(), code)
    assert (result.status, result.nothing_sent) == (status, nothing_sent)


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
