"""The requests of floods, as bytes."""

from campaign_common.domain.api_key import ApiKey

ALMOST_A_BODY = 262_000
"""Bytes just below the API's limit for a body other than an upload."""

PIECE = 65_536
"""Bytes sent at once by clients that send as fast as they can."""


def head(line: str, *headers: str, key: ApiKey | None = None) -> bytes:
    """Write the request line and the header of a request, with a key or without one."""
    lines = [f"{line} HTTP/1.1", "Host: localhost", *headers]
    if key is not None:
        lines.append(f"Authorization: Bearer {key.token}")
    return "\r\n".join([*lines, "", ""]).encode()


def post(path: str, *headers: str, key: ApiKey | None = None) -> bytes:
    """Write the header of a request with a JSON body."""
    return head(f"POST {path}", "Content-Type: application/json", *headers, key=key)


def announced(path: str, size: int, key: ApiKey | None = None) -> bytes:
    """Write the header of a request with a JSON body of `size` bytes."""
    return post(path, f"Content-Length: {size}", key=key)


def chunked(path: str, key: ApiKey | None = None) -> bytes:
    """Write the header of a request with a JSON body in chunks."""
    return post(path, "Transfer-Encoding: chunked", key=key)


def upload(size: int, key: ApiKey | None = None, *headers: str) -> bytes:
    """Write the header of an upload of `size` bytes."""
    line = "POST /v1/recipient-lists?name=flood"
    return head(line, "Content-Type: text/csv", f"Content-Length: {size}", *headers, key=key)


def filled(unit: bytes, size: int = PIECE) -> bytes:
    """Repeat `unit` up to about `size` bytes."""
    return unit * max(1, size // len(unit))
