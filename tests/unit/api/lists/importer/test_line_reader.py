import hashlib
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.errors import CsvRefused
from campaign_api.lists.importer import line_reader
from campaign_api.lists.importer.line_reader import (
    NOT_DECODABLE,
    BadLine,
    HashedFile,
    LineSource,
    read_lines,
    sha256_of,
)
from tests.unit.api.lists.importer.csv_text import lines_of


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last_end", [True, False])
def test_line_ends_of_every_system_are_understood(end: bytes, last_end: bool) -> None:
    data = end.join([b"a,1", b"b,2", b"c,3"]) + (end if last_end else b"")
    assert lines_of(data) == ["a,1", "b,2", "c,3"]


def test_byte_order_mark_is_dropped() -> None:
    assert lines_of(b"\xef\xbb\xbfname,phone\n") == ["name,phone"]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_refused_by_name(mark: bytes) -> None:
    with pytest.raises(CsvRefused, match="UTF-16"):
        lines_of(mark + b"a\x00")


def test_bad_bytes_cost_only_their_own_line() -> None:
    assert lines_of(b"a,1\nb\xff,2\nc,3\n") == [
        "a,1",
        BadLine(NOT_DECODABLE.format("UTF-8"), "b\ufffd,2"),
        "c,3",
    ]


@pytest.mark.parametrize(
    "before", [b"", b"a,1\n", b"a,1\n" * 100_000], ids=["first", "few", "many"]
)
def test_what_holds_nul_bytes_is_no_text(before: bytes) -> None:
    """Such as a database's redo log, of which single lines look like rows."""
    with pytest.raises(CsvRefused, match="NUL bytes"):
        lines_of(before + b"b\0,2\nc,3\n")


@pytest.mark.parametrize("length", [101, 500, 1_000_000])
def test_line_that_is_too_long_costs_only_itself(length: int) -> None:
    before, bad, after = lines_of(b"a,1\n" + b"x" * length + b"\nc,3\n", longest=100)
    assert (before, after) == ("a,1", "c,3")
    assert bad == BadLine("line is longer than 100 bytes", "x" * min(length, 2000))


def test_line_of_exactly_the_longest_length_is_kept() -> None:
    assert lines_of("ä".encode() * 50 + b"\r\n", longest=100) == ["ä" * 50]


class EndlessLine(io.RawIOBase):
    """One line of a gigabyte that is made up while it is read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        given_out = min(size, self._left)
        self._left -= given_out
        return b"x" * given_out


def test_line_of_a_gigabyte_takes_bounded_memory() -> None:
    tracemalloc.start()
    file = HashedFile(EndlessLine(10**9))  # type: ignore[arg-type]
    (line,) = read_lines(file, 65_536)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(line, BadLine)
    assert len(line.raw_text) == 2000
    assert peak < 4_000_000


@given(st.lists(st.binary(max_size=12).filter(lambda raw: not {0, 10, 13} & set(raw)), max_size=30))
def test_no_line_is_lost_wherever_blocks_end(raws: list[bytes]) -> None:
    data = b"start\n" + b"".join(raw + b"\n" for raw in raws)
    whole = lines_of(data, longest=8)
    original = line_reader.BLOCK_BYTES
    try:
        line_reader.BLOCK_BYTES = 7
        pieces = lines_of(data, longest=8)
    finally:
        line_reader.BLOCK_BYTES = original
    assert len(whole) == len(pieces) == len(raws) + 1
    assert [type(line) for line in whole] == [type(line) for line in pieces]


def test_hash_covers_the_whole_file() -> None:
    data = b"\xef\xbb\xbfa,1\nb,2"
    file = HashedFile(io.BytesIO(data))
    list(read_lines(file, 100))
    assert file.hexdigest() == hashlib.sha256(data).hexdigest() == sha256_of(io.BytesIO(data))


def test_looking_ahead_takes_nothing() -> None:
    source = LineSource(iter(["a", "b", "c"]))
    assert source.look_ahead(2) == "b"
    assert source.look_ahead(4) is None
    assert [source.take(), source.number, source.take(), source.take(), source.take()] == [
        "a",
        1,
        "b",
        "c",
        None,
    ]
    assert source.number == 3
