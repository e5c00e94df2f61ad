"""Checks of a provider over HTTP, against real sockets."""

import time

import pytest

from campaign_providers.check import LONGEST_SHOWN, CheckMessage, Exchange
from campaign_providers.http import HttpCheck
from local_stack.ports import free_port
from tests.integration.providers.scripted_server import ScriptedServer, Visitor, scripted_server
from tests.unit.providers.gateways import gateway

TOKEN = "t0k&n <hidden>"
PHONE = "4915112345678"
MESSAGE = CheckMessage(phone=PHONE, body="hi", idempotency_key="check-7")
KEYS: dict[str, object] = {
    "AllowedNetworks": ["127.0.0.0/8", "::1/128"],
    "Secrets": {"token": {"Value": TOKEN}},
    "Headers": {"Authorization": "Bearer {secret.token}"},
    "Body": {"Type": "json", "Json": {"to": "{phone}", "text": "{body}", "key": "{key}"}},
    "Answers": [
        {"Status": "2xx", "Json": {"ok": True}, "Then": "success", "Id": "id"},
        {"Status": 400, "Json": {"code": 21610}, "Then": "permanent", "Effect": "suppress"},
        {"Status": 429, "Then": "throttled", "Code": "code", "RetryAfter": {"Header": "X-Wait"}},
    ],
    "Timeout": "400ms",
}


def checked(server: ScriptedServer | None, **keys: object) -> Exchange:
    """Check a provider, which must have been sent to once at most."""
    url = f"http://localhost:{free_port()}/send" if server is None else server.url
    prepared = HttpCheck("g", gateway(**{"Url": url, **KEYS, **keys})).prepare(MESSAGE)
    if server is not None:
        assert server.connections == 0, "nothing is sent before it is asked for"
    exchange = prepared.send()
    if server is not None:
        time.sleep(0.05)
        assert len(server.commands) <= 1
    return exchange


def answering(status: str, body: bytes, *headers: str) -> ScriptedServer:
    lines = "".join(f"{header}\r\n" for header in headers)
    head = f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode()

    def answer(visitor: Visitor) -> None:
        if visitor.request() is not None:
            visitor.say(head + body)
            visitor.closed_by_client()

    return ScriptedServer(answer, None)


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        pytest.param(
            "201 Created",
            b'{"ok": true, "id": "m-1"}',
            [],
            ("success", "rule 1 of Answers", "m-1", None, None, False),
            id="accepted",
        ),
        pytest.param(
            "400 Bad",
            b'{"code": 21610}',
            [],
            ("permanent", "rule 2 of Answers", None, "http_400", None, True),
            id="suppressed",
        ),
        pytest.param(
            "429 Slow",
            b'{"code": 9}',
            ["X-Wait: 7"],
            ("throttled", "rule 3 of Answers", None, "9", 7.0, False),
            id="throttled",
        ),
        pytest.param(
            "401 No",
            b"",
            [],
            ("account", "default by status", None, "http_401", None, False),
            id="account",
        ),
        pytest.param(
            "200 OK",
            b"<html>proxy</html>",
            [],
            ("ambiguous", "no rule", None, "answer_unreadable", None, False),
            id="error page",
        ),
    ],
)
def test_an_answer_is_read_as_those_of_campaigns(
    status: str, body: bytes, headers: list[str], expected: tuple[object, ...]
) -> None:
    server = answering(status, body, *headers)
    try:
        answer, reading = (exchange := checked(server)).answer, exchange.reading
    finally:
        server.close()
    assert answer is not None
    assert (answer.status, answer.body) == (int(status[:3]), body.decode())
    assert answer.seconds > 0
    word, rule, *others = expected
    assert (reading.word, (reading.rule or "no rule").startswith(str(rule))) == (word, True)
    assert [
        reading.provider_message_id,
        reading.error_code,
        reading.retry_after,
        reading.suppress,
    ] == others
    (request,) = server.commands
    assert f"Bearer {TOKEN}" in request.head
    assert request.body == b'{"to":"4915112345678","text":"hi","key":"check-7"}'


def test_an_answer_repeats_neither_secret_nor_number() -> None:
    said = f'{{"auth": "Bearer {TOKEN}", "to": "+49 151 12345678", "code": "{PHONE}"}}'
    server = answering(
        "429 Slow",
        said.encode(),
        f"X-Request-Id: {PHONE}",
        "Retry-After: 3",
        f"Set-Cookie: {TOKEN}",
    )
    try:
        exchange = checked(server, Answers=[{"Status": 429, "Then": "throttled", "Code": "code"}])
    finally:
        server.close()
    answer = exchange.answer
    assert answer is not None
    masked = '{"auth": "Bearer MASKED", "to": "+***********78", "code": "***********78"}'
    assert answer.body == masked
    assert {(header.name, header.value) for header in answer.headers} == {
        ("x-request-id", "***********78"),
        ("retry-after", "3"),
    }
    assert exchange.reading.error_code == "***********78"


@pytest.mark.parametrize("said", [f"Receiver is invalid +{PHONE}", f"denied, and so on: {TOKEN}"])
def test_a_code_that_is_cut_is_masked_before(said: str) -> None:
    """Error codes have 32 characters; of what is longer a part of a secret would be left."""
    server = answering("400 Bad", f'{{"code": "{said}"}}'.encode())
    try:
        exchange = checked(server, Answers=[{"Status": 400, "Then": "permanent", "Code": "code"}])
    finally:
        server.close()
    code = exchange.reading.error_code
    assert code is not None
    assert PHONE[:6] not in code
    assert TOKEN[:6] not in code


@pytest.mark.parametrize(
    ("body", "headers", "shown"),
    [
        (b"x" * 20_000, [], "x" * LONGEST_SHOWN),
        (b"\x1b[2J\xff\x00", [], "\x1b[2J\ufffd\x00"),
        (b"x" * 1_000_000, [], None),
        (b"x", ["Content-Encoding: gzip"], None),
    ],
)
def test_any_body_is_shown_within_bounds(
    body: bytes, headers: list[str], shown: str | None
) -> None:
    server = answering("202 OK", body, *headers)
    try:
        answer = checked(server, Answers=[]).answer
    finally:
        server.close()
    assert answer is not None
    assert (answer.status, answer.body) == (202, shown)
    assert answer.is_cut == (len(body) == 20_000)


def silent(visitor: Visitor) -> None:
    if visitor.request() is not None:
        visitor.closed_by_client()


def breaking_off(visitor: Visitor) -> None:
    visitor.request()
    visitor.say(b"HTTP/1.1 202 Acc")


def talking_nonsense(visitor: Visitor) -> None:
    visitor.request()
    visitor.say(b"SSH-2.0-gateway\r\n")


@pytest.mark.parametrize(
    ("script", "word", "code"),
    [
        (silent, "ambiguous", "timeout"),
        (breaking_off, "ambiguous", "connection_lost"),
        (talking_nonsense, "ambiguous", "answer_malformed"),
        (None, "retryable", "connection_refused"),
    ],
)
def test_without_an_answer_the_reason_is_named(script: object, word: str, code: str) -> None:
    if script is None:
        exchange = checked(None)
    else:
        with scripted_server(script) as server:  # type: ignore[arg-type]
            exchange = checked(server)
    assert exchange.answer is None
    assert (exchange.reading.word, exchange.reading.error_code) == (word, code)


def test_an_address_that_is_not_allowed_is_not_connected_to() -> None:
    with scripted_server(silent) as server:
        exchange = checked(server, AllowedNetworks=[])
        assert server.connections == 0
    assert exchange.reading.error_code == "address_refused"
