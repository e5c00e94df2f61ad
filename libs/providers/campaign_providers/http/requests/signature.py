"""Signature Version 4 of AWS, in the Authorization header of a request with its body.

The canonical request, the string to sign and the derived key are those of the AWS documentation,
"Create a signed AWS API request".
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


class SignedRequest(NamedTuple):
    """The parts of a request that are signed.

    Path and query as they are sent; in the query all but unreserved characters are encoded.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By names in lower case; all are signed."""
    body: bytes


class AwsSigner:
    """Signer of requests to one service in one region."""

    def __init__(self, access_key: str, secret_key: str, region: str, service: str) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._region = region
        self._service = service
        self._key: tuple[str, bytes] = "", b""

    def authorization(self, request: SignedRequest, at: datetime) -> str:
        """Return the value of the Authorization header; `at` is in UTC, and in x-amz-date too."""
        date = at.strftime("%Y%m%d")
        scope = f"{date}/{self._region}/{self._service}/aws4_request"
        signed = ";".join(sorted(request.headers))
        to_sign = "\n".join(
            [ALGORITHM, amz_date(at), scope, sha256(_canonical(request, signed)).hexdigest()]
        )
        signature = hmac.digest(self._key_of(date), to_sign.encode(), "sha256").hex()
        return (
            f"{ALGORITHM} Credential={self._access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )

    def _key_of(self, date: str) -> bytes:
        if self._key[0] != date:
            key = f"AWS4{self._secret_key}".encode()
            for part in (date, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = date, key
        return self._key[1]


def amz_date(at: datetime) -> str:
    """Return a time in UTC as x-amz-date has it."""
    return at.strftime("%Y%m%dT%H%M%SZ")


def _canonical(request: SignedRequest, signed: str) -> bytes:
    headers = "".join(
        f"{name}:{' '.join(value.split())}\n" for name, value in sorted(request.headers.items())
    )
    query = sorted(each.partition("=")[::2] for each in request.query.split("&") if each)
    parts = [
        request.method,
        # Segments are encoded a second time, as everywhere but in S3.
        quote(request.path, safe="/~"),
        "&".join(f"{name}={value}" for name, value in query),
        headers,
        signed,
        sha256(request.body).hexdigest(),
    ]
    return "\n".join(parts).encode()
