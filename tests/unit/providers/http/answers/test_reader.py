import pytest

from campaign_providers.http.answers.reader import (
    MAX_RESPONSE_BYTES,
    HttpResponse,
    ResponseReader,
    ResponseUnusable,
)

WHOLE = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


def read(*parts: bytes) -> HttpResponse | None:
    reader = ResponseReader()
    answer = None
    for part in parts:
        assert answer is None
        answer = reader.feed(part)
    return answer


def test_an_answer_is_read_whole() -> None:
    assert read(WHOLE) == HttpResponse(202, {}, b"{}", reusable=True)


def test_an_answer_may_come_byte_by_byte() -> None:
    parts = [WHOLE[n : n + 1] for n in range(len(WHOLE))]
    assert read(*parts) == HttpResponse(202, {}, b"{}", reusable=True)


def test_one_reader_reads_many_answers() -> None:
    reader = ResponseReader()
    for _ in range(3):
        assert reader.feed(WHOLE) == HttpResponse(202, {}, b"{}", reusable=True)
        reader.expect()


def test_chunks_are_put_together() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    assert read(text) == HttpResponse(200, {}, b"{}", reusable=True)


def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
    assert read(interim, WHOLE) == HttpResponse(202, {}, b"{}", reusable=True)
    assert read(interim + WHOLE) == HttpResponse(202, {}, b"{}", reusable=True)


def test_an_interim_answer_alone_is_none() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n") is None
    assert reader.end() is None


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 202 A\r\nConnection: close\r\n", b"HTTP/1.0 202 A\r\n"]
)
def test_a_connection_that_will_close_is_not_reused(head: bytes) -> None:
    answer = read(head + b"Content-Length: 0\r\n\r\n")
    assert answer == HttpResponse(202, {}, b"", reusable=False)


def test_the_end_of_the_connection_ends_an_answer_without_length() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\n{}") is None
    assert reader.end() == HttpResponse(200, {}, b"{}", reusable=False)


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_part_of_an_answer_is_none(length: int) -> None:
    reader = ResponseReader()
    assert reader.feed(WHOLE[:length]) is None
    assert reader.end() is None


def test_a_part_of_a_chunked_answer_is_none() -> None:
    reader = ResponseReader()
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
    assert reader.feed(text) is None
    assert reader.end() is None


@pytest.mark.parametrize(
    "surplus", [WHOLE, b"HTTP/1.1 500 Late\r\n\r\n", b"garbage", b"HTTP/1.1 2"]
)
def test_an_unsolicited_response_spoils_the_connection(surplus: bytes) -> None:
    assert read(WHOLE + surplus) == HttpResponse(202, {}, b"{}", reusable=False)


@pytest.mark.parametrize(
    "text",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    ],
)
def test_what_is_not_clearly_an_answer_is_refused(text: bytes) -> None:
    with pytest.raises(ResponseUnusable, match="answer_malformed"):
        read(text)


def test_a_protocol_switch_ends_the_connection() -> None:
    """A protocol switch is an answer and the end of the connection."""
    answer = read(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert answer is not None
    assert (answer.status, answer.reusable) == (101, False)


def test_of_an_endless_answer_only_the_status_is_taken() -> None:
    reader = ResponseReader()
    answer = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    fed = 0
    while answer is None:
        answer = reader.feed(b"x" * 1000)
        fed += 1000
        assert fed <= MAX_RESPONSE_BYTES + 1000
    assert answer == HttpResponse(200, {}, b"", reusable=False, is_whole=False)


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Long: yes\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
def test_an_endless_head_is_refused(beginning: bytes, more: bytes) -> None:
    reader = ResponseReader()
    reader.feed(beginning)
    with pytest.raises(ResponseUnusable, match="answer_too_long"):
        feed_endlessly(reader, more)


def feed_endlessly(reader: ResponseReader, more: bytes) -> None:
    for _ in range(MAX_RESPONSE_BYTES):
        reader.feed(more)


def test_retry_after_is_kept() -> None:
    answer = read(b"HTTP/1.1 429 Slow\r\nretry-AFTER: 30\r\nContent-Length: 0\r\n\r\n")
    assert answer == HttpResponse(429, {"retry-after": "30"}, b"", reusable=True)
