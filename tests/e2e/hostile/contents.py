"""Files that are no proper list: their bytes, characters, lines, columns and values."""

from collections.abc import Callable, Iterator
from itertools import chain

from tests.e2e.hostile.upload import (
    BAD,
    BLOCK,
    GOOD,
    MOST_BYTES,
    URL,
    Upload,
    plain,
    shown,
    streamed,
)
from tests.e2e.raw_http import head


def broken_utf8() -> Iterator[Upload]:
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


def encodings() -> Iterator[Upload]:
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


def quotes() -> Iterator[Upload]:
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


def nuls() -> Iterator[Upload]:
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


def columns() -> Iterator[Upload]:
    def ten_million(cell: bytes) -> Callable[[], Iterator[bytes]]:
        return lambda: (cell * 100_000 for _ in range(100))

    contents = {
        "65": b",".join(b"c%d" % n for n in range(64)) + b",phone\n" + b"1," * 64 + b"2\n",
        "1,000": b"phone," + b",".join(b"c%d" % n for n in range(1000)) + b"\nx\n",
        "header twice": b"name,phone\nname,phone\n",
        "header again and again": b"name,phone\n" * 10_000,
        "phone twice": b"phone,phone\n13961467500,13961467501\n",
        "phone in other letters": b"phone,PHONE\n13961467500,13961467501\n",
        "without a name": b"phone,,name\n13961467500,,a\n",
        "without a name, with a value": b"phone,,\n13961467500,,x\n",
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


def lines() -> Iterator[Upload]:
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


def endless() -> Iterator[Upload]:
    def rows(line: bytes) -> Callable[[], Iterator[bytes]]:
        # A first line without a number would be a header.
        return lambda: chain([GOOD], (line * 1_000 for _ in range(10_000)))

    for name, line in {"good rows": GOOD, "bad rows": BAD, "open quotes": b'"a,1\n'}.items():
        yield Upload("endless", name, streamed(rows(line)))
    yield Upload(
        "endless",
        "announced beyond the limit",
        lambda: [head("POST", URL, Content_Type="text/csv", Content_Length=str(MOST_BYTES + 1))],
    )


def phones() -> Iterator[Upload]:
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
        "13961467500.0",
        "2026-05-12",
        "1396146 7501396",
        "\u202e00576416931",
    ):
        yield Upload("numbers", shown(phone), plain(f"a,{phone}\n".encode()))


def values() -> Iterator[Upload]:
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
