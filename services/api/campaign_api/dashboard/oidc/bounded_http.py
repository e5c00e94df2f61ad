"""HTTP to an OpenID provider within bounds of time and size, and without redirects."""

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout, RequestException
from urllib3.response import HTTPResponse

from campaign_api.dashboard.oidc.errors import ProviderUnavailable

CONNECTING = 3.0
"""Seconds until there is a connection."""

SILENCE = 4.0
"""Seconds between two parts of an answer."""

WHOLE = 8.0
"""Seconds until the end of an answer."""

LARGEST_ANSWER = 256 * 1024
"""Bytes."""


class BoundedAdapter(HTTPAdapter):
    """Transport that reads a whole answer, or gives it up."""

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - requests' own
        timeout: Any = None,  # noqa: ANN401 - requests' own
        verify: Any = True,  # noqa: ANN401, FBT002 - requests' own
        cert: Any = None,  # noqa: ANN401 - requests' own
        proxies: Any = None,  # noqa: ANN401 - requests' own
    ) -> Response:
        """Send a request within the bounds, whatever the caller asks for.

        Raises:
            RequestException: there is no whole answer.
        """
        del stream, timeout
        deadline = time.monotonic() + WHOLE
        bounds = (CONNECTING, SILENCE)
        answer = super().send(request, True, bounds, verify, cert, proxies)  # noqa: FBT003
        try:
            content = _read(answer, deadline)
        finally:
            answer.close()
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-encoding"}
        whole = HTTPResponse(BytesIO(content), headers, answer.status_code, preload_content=False)
        return self.build_response(request, whole)


def bound(session: Session, ca_file: Path | None) -> None:
    """Let a session speak within the bounds alone."""
    session.trust_env = False
    session.headers["Accept-Encoding"] = "identity"
    session.verify = True if ca_file is None else str(ca_file)
    adapter = BoundedAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def read_json(session: Session, url: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - requests'
    """Return the JSON object at a URL of the provider.

    Raises:
        ProviderUnavailable: there is none, or not in time.
    """
    try:
        answer = session.get(url, allow_redirects=False, **options)
    except RequestException as error:
        raise ProviderUnavailable(f"{url}: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise ProviderUnavailable(f"{url}: status {answer.status_code}")
    try:
        found = json.loads(answer.content)
    except ValueError as error:
        raise ProviderUnavailable(f"{url}: no JSON") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{url}: no JSON object")
    return found


def _read(answer: Response, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := answer.raw.read1(16_384):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise RequestException("the answer is too large")
        if time.monotonic() > deadline:
            raise ReadTimeout("the answer takes too long")
    return b"".join(parts)
