"""Malformed requests: each gets one answer, and then its connection is closed."""

import re
from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.raw_http import RawConnection
from tests.support.services.api_service import ApiService, running_api, write_configuration

HOST = b"Host: localhost\r\n"
GET = b"GET /v1/stats HTTP/1.1\r\n" + HOST
POST = b"POST /v1/campaigns HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"

TOKEN_BREAKERS = b'\x00\x01\x08\t\x0b\x0c\x1f "(),/;<=>?@[\\]{}\x7f\x80\xc3\xff'
"""Bytes that no token may hold (RFC 9110, section 5.6.2); `:` and line ends aside."""

VALUE_BREAKERS = b"\x00\x01\x02\x08\x0b\x0c\x0e\x1f\x7f"
"""Bytes that no field value may hold (RFC 9110, section 5.5)."""


def methods() -> Iterator[tuple[str, bytes]]:
    target = b" / HTTP/1.1\r\n" + HOST + END
    for byte in TOKEN_BREAKERS:
        if byte != ord(" "):
            yield f"method with {byte:#04x}", b"GE" + bytes([byte]) + b"T" + target
    yield "no method", target
    yield "method of 300 letters", b"G" * 300 + target
    yield "method with a colon", b"GE:T" + target
    yield "method alone", b"GET\r\n" + HOST + END
    yield "method and target alone", b"GET /\r\n" + HOST + END
    yield "nothing but a blank", b" \r\n" + HOST + END


def versions() -> Iterator[tuple[str, bytes]]:
    for version in (
        "HTTP/0.9", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/01.1", "HTTP/1.1.1", "HTTP/2.0",
        "HTTP/3", "HTTP/9.9", "HTTP/a.b", "HTTP/-1.1", "HTTP/+1.1", "HTTP/1,1", "HTTP/1 .1",
        "http/1.1", "HTTPS/1.1", "HTTP 1.1", "HTTP", "HTTP/", "ICY/1.1", "1.1", "HTTP/1.1x",
        "HTTP/1.1 HTTP/1.1", "HTTP/\N{FULLWIDTH DIGIT ONE}.1", "HTTP\\1.1", "HTTP/1.1;a=b",
    ):  # fmt: skip
        yield f"version {version}", b"GET / " + version.encode() + b"\r\n" + HOST + END
    yield "version of zeros", b"GET / HTTP/" + b"0" * 200 + b"1.1\r\n" + HOST + END


def request_lines() -> Iterator[tuple[str, bytes]]:
    after = b"HTTP/1.1\r\n" + HOST + END
    lines = {
        "blank before the method": b" GET / ",
        "tab before the method": b"\tGET / ",
        "two blanks before the target": b"GET  / ",
        "two blanks before the version": b"GET /  ",
        "tab for a blank": b"GET\t/\t",
        "blank in the target": b"GET /a b ",
        "no target": b"GET ",
        "NUL in the target": b"GET /\x00 ",
        "CR in the target": b"GET /\ra ",
        "line end in the target": b"GET /\na ",
        "escape in the target": b"GET /\x1b[2J ",
        "DEL in the target": b"GET /\x7f ",
        "bytes beyond ASCII in the target": b"GET /\xc3\xa9 ",
        "target without a slash": b"GET v1/stats ",
        "target that is a query": b"GET ?limit=1 ",
        "target of 5,000 bytes": b"GET /" + b"a" * 5_000 + b" ",
        "target of 70,000 bytes": b"GET /" + b"a" * 70_000 + b" ",
        "asterisk": b"GET * ",
        "authority": b"CONNECT localhost:443 ",
        "a proxy's line": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / ",
        "a proxy's signature": b"\r\n\r\n\x00\r\nQUIT\nGET / ",
        "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03GET / ",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / ",
        "Telnet": b"\xff\xfb\x01\xff\xfd\x03GET / ",
    }
    for name, line in lines.items():
        yield name, line + after
    yield "blank after the version", b"GET / HTTP/1.1 \r\n" + HOST + END
    yield "tab after the version", b"GET / HTTP/1.1\t\r\n" + HOST + END


def field_lines() -> Iterator[tuple[str, bytes]]:
    for byte in TOKEN_BREAKERS:
        yield f"name with {byte:#04x}", GET + b"A" + bytes([byte]) + b"B: c\r\n" + END
    for byte in VALUE_BREAKERS:
        yield f"value with {byte:#04x}", GET + b"A: b" + bytes([byte]) + b"c\r\n" + END
    lines = {
        "no name": b": b\r\n",
        "no colon": b"A b\r\n",
        "blank before a name": b" A: b\r\n",
        "blank after a name": b"A : b\r\n",
        "tab after a name": b"A\t: b\r\n",
        "folded by a blank": b"A: b\r\n c\r\n",
        "folded by a tab": b"A: b\r\n\tc\r\n",
        "folded length": b"Content-Length:\r\n 5\r\n",
        "folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
        "lone CR in a value": b"A: b\rc\r\n",
        "lone LF in a value": b"A: b\nc: d\r\n",
        "lone LF after a line": b"A: b\nB: c\r\n",
        "CR CR LF": b"A: b\r\r\n",
        "line that is a NUL": b"\x00\r\n",
        "line of 9,000 bytes": b"A: " + b"b" * 9_000 + b"\r\n",
        "name of 9,000 bytes": b"A" * 9_000 + b": b\r\n",
        "lines of 70,000 bytes": (b"A: " + b"b" * 4_000 + b"\r\n") * 17,
        "65 lines": b"A: b\r\n" * 65,
        "10,000 lines": b"A: b\r\n" * 10_000,
        "a second request line": b"GET / HTTP/1.1\r\n",
    }
    for name, line in lines.items():
        yield name, GET + line + END


def hosts() -> Iterator[tuple[str, bytes]]:
    begin = b"GET /v1/stats HTTP/1.1\r\n"
    yield "no host", begin + END
    yield "two hosts", begin + HOST + b"Host: other\r\n" + END
    yield "the same host twice", begin + HOST + HOST + END
    yield "folded host", begin + b"Host:\r\n localhost\r\n" + END
    yield "blank before the colon of a host", begin + b"Host : localhost\r\n" + END


def lengths() -> Iterator[tuple[str, bytes]]:
    for value in (
        b"-1", b"+1", b"1.0", b"1e3", b"0x5", b"5 5", b"5,5", b"5, 6", b"5;5", b"five", b"", b" ",
        b"1_0", b"\xb2", b"\xd9\xa5", b"5\x00", b"'5'", b"5 a", b"9" * 5_000,
    ):  # fmt: skip
        shown = value[:12].decode("latin-1")
        yield f"length {shown!r}", POST + b"Content-Length: " + value + b"\r\n" + END + b"{}   "
    yield "two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n" + END + b"{}"
    yield "length twice", POST + b"Content-Length: 2\r\nContent-Length: 2\r\n" + END + b"{}"
    spaced = b"Content-Length : 2\r\n"
    yield "blank before the colon of a length", POST + spaced + END + b"{}"
    underscored = b"Content-Length: 2\r\nContent_Length: 3\r\nBad Name: a\r\n"
    yield "length with an underscore", POST + underscored + END + b"{}"


def codings() -> Iterator[tuple[str, bytes]]:
    body = b"2\r\n{}\r\n0\r\n\r\n"
    for value in (
        b"chunked, chunked", b"chunked, identity", b"chunked, gzip", b"gzip", b"identity, gzip",
        b"zip", b"chunke", b"xchunked", b"chunked;a=b", b'"chunked"', b"chunked x", b"\x00chunked",
        b"chunked\x0b", b"chunked\x00", b", gzip", b"identity",
    ):  # fmt: skip
        shown = value.decode("latin-1")
        yield f"coding {shown!r}", POST + b"Transfer-Encoding: " + value + b"\r\n" + END + body
    both = b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n"
    yield "length and chunks", POST + both + END + body
    yield "chunks and length", CHUNKED + b"Content-Length: 0\r\n" + END + body
    yield "chunks twice", CHUNKED + b"Transfer-Encoding: chunked\r\n" + END + body
    yield "chunks and gzip", CHUNKED + b"Transfer-Encoding: gzip\r\n" + END + body
    yield "length twice and chunks", POST + b"Content-Length: 1\r\n" + both + END + body
    old = POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n"
    yield "chunks in HTTP/1.0", old + END + body
    yield (
        "blank before the colon of a coding",
        POST + b"Transfer-Encoding : chunked\r\n" + END + body,
    )
    yield "expectation", POST + b"Expect: money\r\nContent-Length: 2\r\n" + END + b"{}"


SIZES = (
    b"QQ", b"", b" ", b"-1", b"+1", b"0x2", b"2 2", b"2\x00", b" 2", b"\t2", b"2_0", b"g", b"\xb2",
    b"2.0", b"-0", b";a=b", b"'2'", b"2\r", b"\x00",
)  # fmt: skip
"""None of them is the size of a chunk."""


def chunks() -> Iterator[tuple[str, bytes]]:
    for size in SIZES:
        shown = size[:12].decode("latin-1")
        wrong = size + b"\r\n{}\r\n0\r\n\r\n"
        yield f"chunk size {shown!r}", CHUNKED + END + wrong
    bodies = {
        "chunk without its line end": b"2\r\n{}0\r\n\r\n\r\n\r\n",
        "chunk that is longer than its size": b"1\r\n{}\r\n0\r\n\r\n",
        "chunk that is shorter than its size": b"3\r\n{}\r\n0\r\n\r\n\r\n\r\n",
        "chunk's size with a lone LF": b"2\n{}\r\n0\r\n\r\n\r\n",
        "chunk's size with a lone CR": b"2\r{}\r\n0\r\n\r\n\r\n",
        "chunk with a lone LF": b"2\r\n{}\n0\r\n\r\n\r\n",
        "extension with a lone LF": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
        "extension with a NUL": b"2;a\x00\r\n{}\r\n0\r\n\r\n",
        "extension of 70,000 bytes": b"2;" + b"a" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
        "trailer that is none": b"2\r\n{}\r\n0\r\nnonsense\r\n\r\n",
        "trailer with a blank in its name": b"2\r\n{}\r\n0\r\nA B: c\r\n\r\n",
        "trailer of 70,000 bytes": b"2\r\n{}\r\n0\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        "trailers of 70,000 bytes": b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 11_000 + b"\r\n",
        "trailer of a host": b"2\r\n{}\r\n0\r\nHost: other\r\n\r\n",
        "trailer of a length": b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
    }
    for name, body in bodies.items():
        yield name, CHUNKED + END + body


FAMILIES = (methods, versions, request_lines, field_lines, hosts, lengths, codings, chunks)

MALFORMED: Mapping[str, bytes] = {name: sent for family in FAMILIES for name, sent in family()}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    """A service without a database, which nothing here gets as far as."""
    folder = tmp_path_factory.mktemp("malformed")
    path = write_configuration(folder, "root@tcp(127.0.0.1:1)/camp", Workers=1, Auth="none")
    with running_api(path) as service:
        yield service


def answers(api: ApiService, sent: bytes) -> list[int]:
    """Return the statuses of all that comes back until the API ends the connection."""
    connection = RawConnection(api.url, timeout=30)
    received = connection.exchange(sent)
    connection.close()
    statuses = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
        assert head.startswith(b"HTTP/1.1 "), received
        assert length is not None, received
        assert b"\r\nconnection: close" in head.lower(), received
        statuses.append(int(head.split()[1]))
        received = rest[int(length[1]) :]
    return statuses


def test_there_are_two_hundred() -> None:
    assert len(MALFORMED) >= 200
    assert len(set(MALFORMED.values())) == len(MALFORMED)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_gets_one_answer(api: ApiService, name: str) -> None:
    (status,) = answers(api, MALFORMED[name])
    assert 400 <= status < 500 or status in (501, 505)


@pytest.mark.parametrize("path", ["/healthz", "/v1/campaigns", "/nothing", "/docs/"])
@pytest.mark.parametrize("size", SIZES)
def test_wrong_chunks_where_no_body_is_read_get_one_answer(
    api: ApiService, path: str, size: bytes
) -> None:
    begin = f"GET {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n".encode()
    assert len(answers(api, begin + HOST + END + size + b"\r\n{}\r\n0\r\n\r\n")) == 1
