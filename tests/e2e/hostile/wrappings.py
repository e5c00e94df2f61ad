"""Wrappings of an uploaded file: compression, forms, names, parameters and HTTP."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from urllib.parse import quote

from tests.e2e.hostile.upload import BAD, GOOD, PATH, URL, Pieces, Upload, form, plain, shown

FILE = b'Content-Disposition: form-data; name="file"; filename="f.csv"'
END = b"--b--\r\n"


def part(headers: bytes, content: bytes = GOOD + BAD) -> bytes:
    return b"--b\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


def compressed() -> Iterator[Upload]:
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
    """Pack zeros once and repeat the result, in one stream: packing 1 GB takes 5 s."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(2**20)
    packed = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(1024):
        checksum = zlib.crc32(zeros, checksum)
    header = bytes.fromhex("1f8b08000000000000ff")
    return header + packed * 1024 + packer.flush() + struct.pack("<II", checksum, 2**30)


def file_names() -> Iterator[Upload]:
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
        yield Upload("file names", shown(name), form(part(headers) + END))
    starred = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''..%2f..%2fpasswd"
    yield Upload("file names", "filename*= with %2f", form(part(starred) + END))


def list_names() -> Iterator[Upload]:
    for name in ("", "x" * 256, "a\0b", "\ud800"):
        target = f"{PATH}?name={quote(name, errors='surrogatepass')}"
        yield Upload("names of lists", shown(name), plain(GOOD + BAD, target))
    yield Upload("names of lists", "none", plain(GOOD, PATH))
    yield Upload("names of lists", "twice", plain(GOOD + BAD, f"{URL}&name=other"))
    injected = quote("'); DROP TABLE recipient_lists; --")
    yield Upload("names of lists", "SQL", plain(GOOD + BAD, f"{PATH}?name={injected}"))


def forms() -> Iterator[Upload]:
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
        yield Upload("forms", f"boundary {shown(boundary)}", form(whole, boundary))
    bare = plain(whole, Content_Type="multipart/form-data")
    yield Upload("forms", "no boundary", bare)
    mixed = plain(whole, Content_Type="multipart/mixed; boundary=b")
    yield Upload("forms", "multipart/mixed", mixed)


def framing() -> Iterator[Upload]:
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
        "application/zip",
        "text/csv, text/csv",
        "text/html",
        "nonsense",
    ):
        yield Upload("framing", f"Content-Type: {kind}", plain(GOOD, Content_Type=kind))


def parameters() -> Iterator[Upload]:
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
        yield Upload("parameters", shown(query), plain(content, f"{URL}&{query}"))
