import io

import pytest

from campaign_api.errors import UploadBroken, UploadStalled, UploadTooLarge
from campaign_api.lists.upload_body import UploadBody


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
def test_failure_of_the_socket_is_a_refusal(error: Exception, refusal: type[Exception]) -> None:
    source = Failing(error)
    body = UploadBody(source, announced=None, most=100)
    body.read(1)
    with pytest.raises(refusal):
        body.read(1)
    assert source.reads == 2
