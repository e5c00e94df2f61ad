"""A browser as the dashboard sees it: cookies, forms, and where they come from."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

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


class Visitor:
    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str) -> TestResponse:
        return self.client.get(path, headers=PAGE)

    def sign_in(self, key: ApiKey) -> TestResponse:
        return self.send("/sign-in", {"key": key.token})

    def send(self, path: str, fields: dict[str, str]) -> TestResponse:
        return self.client.post(path, data=fields, headers=OWN)

    def press(self, page: TestResponse, action: str, **fields: str) -> TestResponse:
        """Post the form of a page that goes to a path that ends so."""
        hidden = next(
            dict(_HIDDEN.findall(content)) | {"": path}
            for path, content in _FORM.findall(page.text)
            if path.endswith(action)
        )
        return self.send(hidden.pop(""), hidden | fields)
