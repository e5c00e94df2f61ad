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


@pytest.mark.parametrize(
    "line", [b"Content-Length: 101", b"Transfer-Encoding: chunked", b"Content-Length: many"]
)
def test_large_and_unmeasured_bodies_are_not(line: bytes) -> None:
    assert arrived(HEADER + line + b"\r\n\r\n").is_complete()


def test_client_that_expects_a_word_first_is_not_waited_for() -> None:
    text = HEADER + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert arrived(text).is_complete()


def test_header_has_an_end() -> None:
    assert not arrived(HEADER + b"a" * (LARGEST_HEADER - len(HEADER)), 1000).is_too_large()
    assert arrived(HEADER + b"a" * LARGEST_HEADER, 1000).is_too_large()
