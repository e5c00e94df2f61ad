import io

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from campaign_api.lists.upload_body import UploadBody, waiting_at_most
from campaign_api.refusals import UploadBroken, UploadStalled, UploadTooLarge


class Failing:
    """A socket that fails after its first block."""

    def __init__(self, error: Exception) -> None:
        self._blocks = iter([b"x"])
        self._error = error
        self.reads = 0

    def read(self, size: int, /) -> bytes:
        self.reads += 1
        for block in self._blocks:
            return block[:size]
        raise self._error


def test_whole_body_is_read() -> None:
    body = UploadBody(io.BytesIO(b"abcde"), announced=5, most=5)
    assert [body.read(3), body.read(3), body.read(3)] == [b"abc", b"de", b""]


def test_body_that_is_shorter_than_announced_is_broken() -> None:
    body = UploadBody(io.BytesIO(b"abc"), announced=4, most=9)
    body.read(9)
    with pytest.raises(UploadBroken, match="3 of 4 bytes"):
        body.read(9)


def test_one_byte_too_many_is_found_out() -> None:
    with pytest.raises(UploadTooLarge, match="5 bytes"):
        UploadBody(io.BytesIO(b""), announced=6, most=5)
    body = UploadBody(io.BytesIO(b"abcdef"), announced=None, most=5)
    with pytest.raises(UploadTooLarge):
        body.read(9)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (TimeoutError(), UploadStalled),
        (ConnectionResetError(), UploadBroken),
        (OSError(), UploadBroken),
    ],
)
def test_failure_of_the_socket_is_a_refusal_and_nothing_is_read_after_it(
    error: Exception, refusal: type[Exception]
) -> None:
    source = Failing(error)
    body = UploadBody(source, announced=None, most=100)
    body.read(1)
    with pytest.raises(refusal):
        body.read(1)
    body.discard_rest()
    assert source.reads == 2


def test_rest_of_a_refused_upload_is_discarded() -> None:
    source = io.BytesIO(b"x" * 1_000_000)
    body = UploadBody(source, announced=1_000_000, most=2_000_000)
    body.read(10)
    body.discard_rest()
    assert source.tell() == 1_000_000


def test_wait_of_the_socket_is_bounded_for_the_while() -> None:
    class Connection:
        timeouts: list[float | None] = [None]  # noqa: RUF012 - one instance

        def gettimeout(self) -> float | None:
            return self.timeouts[-1]

        def settimeout(self, seconds: float | None) -> None:
            self.timeouts.append(seconds)

    environ = EnvironBuilder().get_environ()
    with waiting_at_most(Request(environ), 3):
        pass  # no socket that could be told
    connection = environ["gunicorn.socket"] = Connection()
    with waiting_at_most(Request(environ), 3):
        assert connection.gettimeout() == 3
    assert connection.gettimeout() is None
