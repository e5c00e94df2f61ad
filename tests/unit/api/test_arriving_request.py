import pytest

from campaign_api.serving.arriving_request import LARGEST_HEADER, ArrivingRequest

HEADER = b"POST /v1/x HTTP/1.1\r\nHost: x\r\n"


def arrived(text: bytes, piece: int = 1) -> ArrivingRequest:
    request = ArrivingRequest(largest_body=100, deadline=0.0)
    for start in range(0, len(text), piece):
        request.add(text[start : start + piece])
    return request


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_header_without_a_body_is_complete_at_its_end(piece: int) -> None:
    assert arrived(HEADER + b"\r\n", piece).is_complete()
    assert not arrived(HEADER + b"\r", piece).is_complete()
    assert not arrived(HEADER + b"\r", piece).has_header()


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_small_body_is_waited_for(piece: int) -> None:
    text = HEADER + b"content-length: 5\r\n\r\nabcd"
    assert arrived(text, piece).has_header()
    assert not arrived(text, piece).is_complete()
    assert arrived(text + b"e", piece).is_complete()


@pytest.mark.parametrize("line", [b"Content-Length: 101", b"Content-Length: many"])
def test_large_and_unmeasured_bodies_are_not(line: bytes) -> None:
    assert arrived(HEADER + line + b"\r\n\r\n").is_complete()


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    "body", [b"0\r\n\r\n", b"5\r\nabcde\r\nA;x=y\r\n0\r\n\r\n567890\r\n0\r\nX: y\r\n\r\n"]
)
def test_chunks_are_waited_for_to_the_last(body: bytes, piece: int) -> None:
    text = HEADER + b"Transfer-Encoding: chunked\r\n\r\n" + body
    assert not arrived(text[:-1], piece).is_complete()
    assert arrived(text, piece).is_complete()


@pytest.mark.parametrize("body", [b"none\r\n", b"-1\r\n", b"1" * 5000, b"65\r\n" + b"x" * 101])
def test_chunks_that_nobody_will_take_are_not(body: bytes) -> None:
    assert arrived(HEADER + b"transfer-encoding: chunked\r\n\r\n" + body, 7).is_complete()


def test_client_that_expects_a_word_first_is_to_be_invited_once() -> None:
    text = HEADER + b"Content-Length: 5\r\nExpect: 100-continue\r\nA: b\r\n\r\n"
    request = arrived(text)
    assert request.expects_invitation
    assert not request.is_complete()
    request.add(b"abcde")
    assert request.is_complete()
    assert request.received == HEADER + b"Content-Length: 5\r\nA: b\r\n\r\nabcde"
    assert not arrived(text + b"abcde", 1000).expects_invitation


def test_old_clients_are_not_invited() -> None:
    text = b"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert not arrived(text).expects_invitation


@pytest.mark.parametrize(
    "line", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Expect: 100-continue"]
)
@pytest.mark.parametrize("target", [b"/v1/recipient-lists", b"http://x/v1/recipient-lists?name=a"])
def test_uploads_begin_with_their_header(target: bytes, line: bytes) -> None:
    request = arrived(b"POST " + target + b" HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
    assert request.is_upload
    assert request.is_complete()
    assert not request.expects_invitation


def test_header_has_an_end() -> None:
    assert not arrived(HEADER + b"a" * (LARGEST_HEADER - len(HEADER)), 1000).is_too_large()
    assert arrived(HEADER + b"a" * LARGEST_HEADER, 1000).is_too_large()
