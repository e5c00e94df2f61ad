"""Uploads that mean harm, or come from a program gone wrong, in families."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

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
    """One upload: a whole request, made anew each time it is sent."""

    family: str
    name: str
    pieces: Pieces


def all_uploads() -> list[Upload]:
    families = (
        _broken_utf8,
        _encodings,
        _quotes,
        _compressed,
        _file_names,
        _list_names,
        _nuls,
        _columns,
        _lines,
        _endless,
        _forms,
        _framing,
        _phones,
        _values,
        _parameters,
    )
    return [upload for family in families for upload in family()]


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


def part(headers: bytes, content: bytes = GOOD + BAD) -> bytes:
    return b"--b\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


FILE = b'Content-Disposition: form-data; name="file"; filename="f.csv"'
END = b"--b--\r\n"


def _broken_utf8() -> Iterator[Upload]:
    sequences = {
        "overlong / in 2 bytes": b"\xc0\xaf",
        "overlong NUL": b"\xc0\x80",
        "overlong / in 3 bytes": b"\xe0\x80\xaf",
        "overlong / in 4 bytes": b"\xf0\x80\x80\xaf",
        "5 byte form": b"\xf8\x88\x80\x80\x80",
        "6 byte form": b"\xfc\x84\x80\x80\x80\x80",
        "continuation alone": b"\x80",
        "cut off after 1 of 2": b"\xc3",
        "cut off after 2 of 3": b"\xe2\x82",
        "cut off after 3 of 4": b"\xf0\x9f\x98",
        "half a surrogate pair": b"\xed\xa0\xbd",
        "surrogate pair (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80",
        "FE and FF": b"\xfe\xff\xff\xfe",
    }
    for name, sequence in sequences.items():
        yield Upload("broken UTF-8", f"{name}, in a name", plain(b"a" + sequence + b",1396146\n"))
        yield Upload("broken UTF-8", f"{name}, in a number", plain(b"a,1396146" + sequence))
        header = b"phone,c" + sequence + b"\n13961467500,x\n"
        yield Upload("broken UTF-8", f"{name}, in the header", plain(header))


def _encodings() -> Iterator[Upload]:
    text = "name,phone\nJürgen,13961467500\nZoë,none\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7", "cp500"):
        yield Upload("encodings", f"{encoding} as UTF-8", plain(text.encode(encoding)))
    for encoding in ("latin-1", "cp1252", "cp437", "mac-roman"):
        content = "name,phone\nJürgen,13961467500\n".encode(encoding)
        yield Upload("encodings", f"{encoding} as UTF-8", plain(content))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "shift_jis", "euc-kr", "gb18030", "big5"):
        yield Upload(
            "encodings", f"UTF-8 as {encoding}", plain(text.encode(), f"{URL}&encoding={encoding}")
        )
    for encoding in ("rot13", "zlib", "hex", "idna", "unicode_escape", "utf-7", "../utf-8", "%00"):
        yield Upload("encodings", f"encoding={encoding}", plain(GOOD, f"{URL}&encoding={encoding}"))
    yield Upload("encodings", "UTF-16, one byte short", plain(text.encode("utf-16")[:-1]))
    cut = plain("a,13961467500\nb,1\n".encode("utf-16-le")[:-1], f"{URL}&encoding=utf-16-le")
    yield Upload("encodings", "UTF-16 said, one byte short", cut)


def _quotes() -> Iterator[Upload]:
    contents = {
        "never closed": b'"' + b"a,13961467500\n" * 1000,
        "only quotes": b'"' * 60_000,
        "only quotes, odd": b'"' * 60_001,
        "opened in each line": b'"a,13961467500\n' * 1000,
        "inside a plain field": b'a"b,13961467500\n',
        "text behind": b'"a"b,13961467500\n',
        "single inside": b'"a"b"c",13961467500\n',
        "blank behind": b'"a" ,13961467500\n',
        "backslash": b'"a\\"",13961467500\n',
        "apostrophes": b"'a,b',13961467500\n",
        "typographic": "“a,b”,13961467500\n".encode(),
        "closed 21 lines later": b'"' + b"\n" * 21 + b'",13961467500\n',
        "across a long record": b'"' + b"x" * 40_000 + b"\n" + b"x" * 40_000 + b'",13961467500\n',
        "around the delimiter": b'a","13961467500\n',
        "in the header": b'"name,phone\nb,1\n',
        "many fields": b'"a",' * 10_000 + b'"b"\n',
        "doubled forever": b'"' + b'""' * 30_000 + b"\n",
    }
    for name, content in contents.items():
        yield Upload("quotes", name, plain(content))


def _compressed() -> Iterator[Upload]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("../../f.csv", GOOD)
    files = {
        "gzip": gzip.compress(GOOD),
        "zip": archive.getvalue(),
        "bzip2": bz2.compress(GOOD),
        "xz": lzma.compress(GOOD),
        "zstd": b"\x28\xb5\x2f\xfd\x04\x00" + GOOD,
        "deflate": zlib.compress(GOOD),
        "gzip bomb of 1 GB": _gzip_bomb(),
    }
    for name, content in files.items():
        yield Upload("compressed", f"{name} as the file", plain(content))
        yield Upload("compressed", f"{name} in a form", form(part(FILE, content) + END))
    for coding in ("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "gzip, gzip", "nonsense"):
        yield Upload(
            "compressed",
            f"Content-Encoding: {coding}",
            plain(files["gzip"], Content_Encoding=coding),
        )
    yield Upload(
        "compressed",
        "gzip bomb by Content-Encoding",
        plain(files["gzip bomb of 1 GB"], Content_Encoding="gzip"),
    )


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()


def _file_names() -> Iterator[Upload]:
    names = (
        "../../etc/passwd",
        "/etc/passwd",
        "..\\..\\boot.ini",
        "C:\\con",
        "%2e%2e%2fpasswd",
        "....//....//passwd",
        "f.csv\0.sh",
        "; rm -rf /",
        "$(reboot)",
        "`reboot`",
        "|sh",
        "\u202evsc.exe",
        "~root/.ssh/authorized_keys",
        "file:///etc/passwd",
        "\\\\server\\share",
        "a" * 10_000,
        "",
        ".",
        "<script>alert(1)</script>",
        "'); DROP TABLE recipients; --",
    )
    for name in names:
        headers = b'Content-Disposition: form-data; name="file"; filename="%s"' % name.encode()
        yield Upload("file names", _shown(name), form(part(headers) + END))
    starred = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''..%2f..%2fpasswd"
    yield Upload("file names", "filename*= with %2f", form(part(starred) + END))


def _list_names() -> Iterator[Upload]:
    for name in ("", "x" * 256, "a\0b", "\ud800"):
        target = f"{PATH}?name={quote(name, errors='surrogatepass')}"
        yield Upload("names of lists", _shown(name), plain(GOOD + BAD, target))
    yield Upload("names of lists", "none", plain(GOOD, PATH))
    yield Upload("names of lists", "twice", plain(GOOD + BAD, f"{URL}&name=other"))
    injected = quote("'); DROP TABLE recipient_lists; --")
    yield Upload("names of lists", "SQL", plain(GOOD + BAD, f"{PATH}?name={injected}"))


def _nuls() -> Iterator[Upload]:
    contents = {
        "in a name": b"a\0b,13961467500\n",
        "in a number": b"a,1396146\x007500\n",
        "at the begin": b"\0name,phone\na,13961467500\n",
        "in the header": b"na\0me,phone\na,no\n",
        "at the end": b"a,no\n\0",
        "only NULs": bytes(1_000_000),
        "after each letter": b"a\0,\x001\x003\0\n\0",
        "in quotes": b'"a\0",13961467500\n',
    }
    for name, content in contents.items():
        yield Upload("NULs", name, plain(content))


def _columns() -> Iterator[Upload]:
    def ten_million(cell: bytes) -> Callable[[], Iterator[bytes]]:
        return lambda: (cell * 100_000 for _ in range(100))

    contents = {
        "65": b",".join(b"c%d" % n for n in range(64)) + b",phone\n" + b"1," * 64 + b"2\n",
        "1,000": b"phone," + b",".join(b"c%d" % n for n in range(1000)) + b"\nx\n",
        "header twice": b"name,phone\nname,phone\n",
        "header again and again": b"name,phone\n" * 10_000,
        "phone twice": b"phone,phone\n13961467500,13961467501\n",
        "phone in other letters": b"phone,PHONE\n13961467500,13961467501\n",
        "without a name": b"phone,,\n13961467500,,\n",
        "no phone": b"name,city,street\na,b,c\n",
        "header alone": b"name,phone\n",
        "header of 64 kB": b"phone," + b"c" * 70_000 + b"\n13961467500,x\n",
        "one row longer": b"name,phone\n" + GOOD + b"a,13961467501,b\n",
        "one row shorter": b"name,phone\n" + GOOD + b"a\n",
        "only commas": b"," * 60_000 + b"\n",
    }
    for name, content in contents.items():
        yield Upload("columns", name, plain(content))
    yield Upload("columns", "10 million in the header", streamed(ten_million(b"c,")))
    yield Upload("columns", "10 million empty ones", streamed(ten_million(b",")))


def _lines() -> Iterator[Upload]:
    contents = {
        "CR only": b"name,phone\ra,13961467500\rb,no\r",
        "LF CR": b"name,phone\n\ra,13961467500\n\rb,no\n\r",
        "CR CR LF": b"name,phone\r\r\na,13961467500\r\r\nb,no\r\r\n",
        "vertical tabs": b"name,phone\va,13961467500\vb,no\v",
        "form feeds": b"name,phone\fa,13961467500\fb,no\f",
        "NEL": "name,phone\x85a,13961467500\x85b,no\x85".encode(),
        "line separators": "name,phone\u2028a,13961467500\u2028".encode(),
        "only line ends": b"\n" * 2_000_000,
        "only blanks": b" " * 10_000_000,
        "nothing": b"",
        "a byte order mark": b"\xef\xbb\xbf",
        "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbfname,phone\n" + GOOD + BAD,
        "65,537 bytes": b"a" * 65_537 + b"\n",
    }
    for name, content in contents.items():
        yield Upload("lines", name, plain(content))
    yield Upload("lines", "1 GB in one", streamed(lambda: (BLOCK for _ in range(1024))))
    quoted = streamed(lambda: (b'"' + BLOCK for _ in range(100)))
    yield Upload("lines", "100 MB of open quotes in one", quoted)


def _endless() -> Iterator[Upload]:
    def rows(line: bytes) -> Callable[[], Iterator[bytes]]:
        return lambda: (line * 1_000 for _ in range(10_000))

    for name, line in {"good rows": GOOD, "bad rows": BAD, "open quotes": b'"a,1\n'}.items():
        yield Upload("endless", name, streamed(rows(line)))
    yield Upload(
        "endless",
        "announced beyond the limit",
        lambda: [head("POST", URL, Content_Type="text/csv", Content_Length=str(MOST_BYTES + 1))],
    )


def _forms() -> Iterator[Upload]:
    whole = part(FILE) + END
    name = b'Content-Disposition: form-data; name="name"'
    bodies = {
        "nothing": b"",
        "no part": END,
        "another boundary": whole.replace(b"--b", b"--c"),
        "no end": part(FILE),
        "no end of the boundary": whole[:-4],
        "no file": part(name, b"x") + END,
        "file twice": part(FILE) + part(FILE) + END,
        "name twice": part(name, b"x") + part(name, b"y") + part(FILE) + END,
        "unknown field": part(FILE) + part(name.replace(b'"name"', b'"id"'), b"1") + END,
        "10,000 parts": b"".join(
            part(b'Content-Disposition: form-data; name="f%d"' % n, b"") for n in range(10_000)
        )
        + END,
        "10,000 files": part(FILE) * 10_000 + END,
        "10,000 names": part(FILE) + part(name, b"n") * 10_000 + END,
        "name of 10 MB": part(name, b"n" * 10_000_000) + part(FILE) + END,
        "name of 10 MB behind": part(FILE) + part(name, b"n" * 10_000_000) + END,
        "part without a header": b"--b\r\n\r\nx\r\n" + END,
        "part without disposition": part(b"Content-Type: text/csv") + END,
        "disposition without name": part(b"Content-Disposition: form-data") + END,
        "disposition of garbage": part(b"Content-Disposition: \x80\xff;;;=") + END,
        "disposition: attachment": part(b'Content-Disposition: attachment; filename="f"') + END,
        "header of 1 MB": part(FILE + b"\r\nX: " + b"x" * 1_000_000) + END,
        "100,000 header lines": part(FILE + b"\r\nX: x" * 100_000) + END,
        "header without end": b"--b\r\n" + FILE + b"x" * 1_000_000,
        "nested parts": part(FILE + b"\r\nContent-Type: multipart/mixed; boundary=c") + END,
        "base64": part(FILE + b"\r\nContent-Transfer-Encoding: base64") + END,
        "quoted-printable": part(FILE + b"\r\nContent-Transfer-Encoding: quoted-printable") + END,
        "uuencode": part(FILE + b"\r\nContent-Transfer-Encoding: x-uuencode") + END,
        "preamble of 10 MB": b"x" * 10_000_000 + b"\r\n" + whole,
        "epilogue of 10 MB": whole + b"x" * 10_000_000,
        "boundary with blanks": part(FILE) + b"--b" + b" " * 1_000_000 + b"--\r\n",
        "boundaries inside": part(FILE, b"--bb\r\n--b \r\n--bc\r\n" * 1000) + END,
        "line feeds only": whole.replace(b"\r\n", b"\n"),
    }
    for label, body in bodies.items():
        yield Upload("forms", label, form(body))
    for boundary in ("", "b" * 71, '"', "ü", "b; boundary=c", "--", " "):
        yield Upload("forms", f"boundary {_shown(boundary)}", form(whole, boundary))
    bare = plain(whole, Content_Type="multipart/form-data")
    yield Upload("forms", "no boundary", bare)
    mixed = plain(whole, Content_Type="multipart/mixed; boundary=b")
    yield Upload("forms", "multipart/mixed", mixed)


def _framing() -> Iterator[Upload]:
    def request(*lines: str, body: bytes = GOOD) -> Pieces:
        said = ["Host: localhost", "Content-Type: text/csv", *lines, "", ""]
        return lambda: [f"POST {URL} HTTP/1.1\r\n".encode(), "\r\n".join(said).encode(), body]

    coded = "Transfer-Encoding: chunked"
    requests = {
        "length too large": request("Content-Length: 300000"),
        "length far too large": request("Content-Length: 1000000000"),
        "length too small": request("Content-Length: 3"),
        "length 0": request("Content-Length: 0"),
        "no length": request(),
        "negative length": request("Content-Length: -1"),
        "length of letters": request("Content-Length: ten"),
        "length with a sign": request("Content-Length: +17"),
        "two lengths": request("Content-Length: 17", "Content-Length: 18"),
        "length and chunks": request("Content-Length: 17", coded, body=b"0\r\n\r\n" + GOOD),
        "chunk size of letters": request(coded, body=b"xyz\r\n" + GOOD),
        "negative chunk size": request(coded, body=b"-1\r\n" + GOOD),
        "chunk size of 1 MB": request(coded, body=b"0" * 2**20 + b"1\r\na\r\n0\r\n\r\n"),
        "chunk of 2^64 bytes": request(coded, body=b"FFFFFFFFFFFFFFFFF\r\n" + GOOD),
        "chunk without its end": request(coded, body=b"11\r\n" + GOOD + b"xx0\r\n\r\n"),
        "no last chunk": request(coded, body=b"11\r\n" + GOOD + b"\r\n"),
        "cut off in a chunk": request(coded, body=b"1000\r\n" + GOOD),
        "trailer without end": request(coded, body=b"11\r\n" + GOOD + b"\r\n0\r\nX: y"),
        "two codings": request("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        "coding without chunks": request("Transfer-Encoding: gzip", body=b"0\r\n\r\n"),
        "65 header lines": request(*(f"X-{n}: x" for n in range(65))),
        "header of 64 kB": request("X: " + "x" * 65_536),
    }
    for name, pieces in requests.items():
        yield Upload("framing", name, pieces)
    for kind in (
        "application/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "text/csv, text/csv",
        "text/html",
        "nonsense",
    ):
        yield Upload("framing", f"Content-Type: {kind}", plain(GOOD, Content_Type=kind))


def _phones() -> Iterator[Upload]:
    for phone in (
        "' OR 1=1 --",
        "1'; DROP TABLE recipients; --",
        "1/**/UNION/**/SELECT",
        "=cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd",
        "1" * 16,
        "1" * 60_000,
        "-13961467500e5",
        "1.3961467500E+10",
        "0x33FFFFFFF",
        "१३९६१४६७५००",
        "\uff11\uff13\uff19\uff16\uff11\uff14\uff16\uff17",
        "139\u200b6146\u200b7500x",
        "NaN",
        "null",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "<img src=x>",
        "13961467500;13961467501",
        "tel:13961467500",
    ):
        yield Upload("numbers", _shown(phone), plain(f"a,{phone}\n".encode()))


def _values() -> Iterator[Upload]:
    for name, value in {
        "name of 256 letters": "n" * 256,
        "name of 256 emoji": "😀" * 256,
        "name of 60,000 letters": "n" * 60_000,
    }.items():
        yield Upload("values", name, plain(f"{value},13961467500\n".encode()))
    for name, value in {
        "field of 1,025 letters": "x" * 1_025,
        "field of 60,000 letters": "x" * 60_000,
        "field with a comma": "a,b",
    }.items():
        yield Upload("values", name, plain(f"phone,c\n13961467500,{value}\n".encode()))


def _parameters() -> Iterator[Upload]:
    for query in (
        "delimiter=",
        "delimiter=x",
        "delimiter=%00",
        "delimiter=,,",
        "delimiter=%22",
        "delimiter=%0A",
        "default_region=",
        "default_region=XX",
        "default_region=de",
        "phone_column=",
        "phone_column=none",
        f"phone_column={'x' * 256}",
        "name_column=none",
        "phone_column=phone&name_column=phone",
        "limit=1",
        "__class__=1",
        "name[]=x",
    ):
        content = b"name,phone\n" + GOOD
        yield Upload("parameters", _shown(query), plain(content, f"{URL}&{query}"))


def _shown(text: str) -> str:
    short = text if len(text) <= 40 else f"{text[:20]}… ({len(text):,} characters)"
    return ascii(short)[1:-1] if not short.isprintable() or not short.isascii() else short
