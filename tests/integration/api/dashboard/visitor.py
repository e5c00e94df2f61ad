"""A browser as the dashboard sees it: cookies, forms, and where they come from."""

import io
import re
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from campaign_common.domain.api_key import ApiKey

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7*1907 }}"
OWN = {"Sec-Fetch-Site": "same-origin"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}

_MARKUP = re.compile(r"<script>|<img|\b13349\b")
"""The product is that of the hostile text: a smaller one could be a part of a time."""
_FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def markup(page: str) -> list[str]:
    """Return the parts of a hostile text that are markup in a page, or were evaluated."""
    return _MARKUP.findall(page)


def csv_file(text: str, name: str = "friends.csv") -> FileStorage:
    """A file as a browser sends it."""
    return FileStorage(io.BytesIO(text.encode()), name)


class Visitor:
    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str) -> TestResponse:
        return self.client.get(path, headers=PAGE)

    def sign_in(self, key: ApiKey) -> TestResponse:
        return self.send("/sign-in", {"key": key.token})

    def send(self, path: str, fields: dict[str, str]) -> TestResponse:
        return self.client.post(path, data=fields, headers=OWN)

    def send_file(
        self,
        path: str,
        fields: Mapping[str, str | FileStorage],
        headers: Mapping[str, str] = OWN,
        environ: Mapping[str, Any] | None = None,
    ) -> TestResponse:
        """Post a form with a file, its fields in this order.

        The client's own boundary is made of the time and a random number, and at times longer than
        the 70 characters of RFC 2046, section 5.1.1, which the API refuses.
        """
        boundary, body = encode_multipart(fields, boundary="part")
        kind = f"multipart/form-data; boundary={boundary}"
        return self.client.post(
            path, data=body, content_type=kind, headers=headers, environ_overrides=environ or {}
        )

    def press(self, page: TestResponse, action: str, **fields: str) -> TestResponse:
        """Post the form of a page that goes to a path that ends so."""
        hidden = next(
            dict(_HIDDEN.findall(content)) | {"": path}
            for path, content in _FORM.findall(page.text)
            if path.endswith(action)
        )
        return self.send(hidden.pop(""), hidden | fields)
