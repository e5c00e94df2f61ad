"""One upload that means harm, and the ways to put a body into a request."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tests.e2e.raw_http import chunked, head

MOST_BYTES = 1_200_000_000
MOST_ROWS = 60_000
"""Limits of the service that these are sent to."""

PATH = "/v1/recipient-lists"
URL = f"{PATH}?name=hostile"
GOOD = b"good,13961467500\n"
BAD = b"bad,no number\n"
BLOCK = b"x" * 2**20

Pieces = Callable[[], Iterable[bytes]]


class Upload(NamedTuple):
    """One upload: a whole request, rebuilt each time it is sent."""

    family: str
    name: str
    pieces: Pieces


def plain(content: bytes, target: str = URL, **headers: str) -> Pieces:
    """A body of text/csv that says its length."""
    said = {"Content_Type": "text/csv", "Content_Length": str(len(content)), **headers}
    return lambda: [head("POST", target, **said), content]


def streamed(content: Callable[[], Iterable[bytes]], target: str = URL) -> Pieces:
    """A body of text/csv that says no length."""
    request = head("POST", target, Content_Type="text/csv", Transfer_Encoding="chunked")

    def pieces() -> Iterator[bytes]:
        yield request
        yield from chunked(content())

    return pieces


def form(body: bytes, boundary: str = "b", target: str = URL) -> Pieces:
    """A body of multipart/form-data."""
    return plain(body, target, Content_Type=f"multipart/form-data; boundary={boundary}")


def shown(text: str) -> str:
    short = text if len(text) <= 40 else f"{text[:20]}… ({len(text):,} characters)"
    return ascii(short)[1:-1] if not short.isprintable() or not short.isascii() else short
