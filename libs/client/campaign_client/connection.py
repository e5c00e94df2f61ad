"""Requests to one API: authentication, problem documents, and patience."""

import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import requests

from campaign_client.address import checked_key, checked_url
from campaign_client.errors import Json, NotTheApi, ServiceUnreachable, problem_of

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
"""Seconds for an answer that should come at once."""

IMPORT_TIMEOUT = 24 * 3600.0
"""Seconds for the answer to an upload, which comes when the list is stored."""

PATIENCE = 60.0
"""Seconds over which a request is repeated."""

LONGEST_PAUSE = 30.0
LEAST_PAUSE = 0.5

BLOCK = 64 * 1024
"""Bytes of an answer at a time."""

REPEATED_STATUSES = frozenset({429, 503})

Parameters = Mapping[str, str | int | None]


class ApiConnection:
    """The API at one base URL."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """Check URL and key; connect to nothing.

        Raises:
            ClientMisconfigured: one of them cannot be used.
        """
        self.url = checked_url(url)
        self._patience = patience
        self._sleep = sleep
        self._on_wait = on_wait or (lambda _: None)
        self._has_answered = False
        self._session = requests.Session()
        if token := checked_key(key):
            self._session.auth = _BearerAuth(token)

    def ask(  # noqa: PLR0913 - those of a request
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        data: Any = None,  # noqa: ANN401 - a file, as requests takes it
        parameters: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_TIMEOUT,
        once: bool = False,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request, and again while the API asks for patience; return its good answer.

        `once` sends it under an Idempotency-Key, the same in every repetition. Without an answer
        only a GET and a request with such a key are repeated, and only once the API has answered
        before: one that is not there is told at once.

        Raises:
            ApiProblem: the API refused it.
            ServiceUnreachable: no answer over the time of patience.
            NotTheApi: something else answered.
        """
        sent = dict(headers or {})
        if once:
            sent.setdefault("Idempotency-Key", str(uuid4()))
        repeatable = method == "GET" or "Idempotency-Key" in sent
        given_up_at = time.monotonic() + self._patience
        pause = LEAST_PAUSE
        is_told = False
        while True:
            left = given_up_at - time.monotonic()
            try:
                answer = self._session.request(
                    method,
                    f"{self.url}{path}",
                    params=_present(parameters),
                    json=body,
                    data=data,
                    headers=sent,
                    timeout=(CONNECT_TIMEOUT, timeout),
                    stream=stream,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                waits = repeatable and self._has_answered and data is None
                if not waits or left <= pause:
                    raise ServiceUnreachable(
                        f"{self.url} does not answer; is campaign-api running?"
                    ) from error
                reason = "does not answer"
            else:
                self._has_answered = True
                if answer.is_redirect:
                    raise NotTheApi(f"{self.url} is no campaign API: it redirects to another URL")
                if answer.ok:
                    return answer
                pause = max(_wait_of(answer) or pause, LEAST_PAUSE)
                repeated = answer.status_code == 429 or (
                    answer.status_code in REPEATED_STATUSES and repeatable
                )
                if not repeated or left <= pause:
                    raise problem_of(answer.status_code, self._object(answer))
                reason = f"answers {answer.status_code}"
                answer.close()
            is_told = self._wait(
                pause, f"{reason}; it is asked again for {left:.0f} s", is_told=is_told
            )
            pause = min(pause * 2, LONGEST_PAUSE)
            if hasattr(data, "seek"):
                data.seek(0)

    def _wait(self, pause: float, reason: str, *, is_told: bool) -> bool:
        if not is_told:
            self._on_wait(f"{self.url} {reason}")
        self._sleep(pause)
        return True

    def blocks(self, method: str, path: str, **options: Any) -> Iterator[bytes]:  # noqa: ANN401 - those of ask
        """Send a request as `ask` does; return the bytes of its answer, piece by piece.

        Raises ServiceUnreachable where the answer breaks off, too.
        """
        with self.ask(method, path, stream=True, **options) as answer:
            try:
                yield from answer.iter_content(BLOCK)
            except requests.RequestException as error:
                raise ServiceUnreachable(f"the answer of {self.url} broke off") from error

    def json(self, method: str, path: str, **options: Any) -> Json:  # noqa: ANN401 - those of ask
        """Send a request as `ask` does; return the JSON object of its answer, empty without one."""
        answer = self.ask(method, path, **options)
        return self._object(answer) if answer.content else {}

    def _object(self, answer: requests.Response) -> Json:
        try:
            found = answer.json()
        except (requests.exceptions.JSONDecodeError, requests.RequestException) as error:
            if answer.status_code >= 500:
                return {"status": answer.status_code, "title": answer.reason}
            raise NotTheApi(f"{self.url} is no campaign API: its answer is not JSON") from error
        if not isinstance(found, dict):
            raise NotTheApi(f"{self.url} is no campaign API: its answer is no JSON object")
        if "detail" not in found and "msg" in found:  # the form of POST /v1/camp/create
            found["detail"] = found["msg"]
        return found


class _BearerAuth(requests.auth.AuthBase):
    """Authentication by the API key; as a header of the session a .netrc file would replace it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _present(parameters: Parameters | None) -> dict[str, str | int]:
    return {name: value for name, value in (parameters or {}).items() if value is not None}


def _wait_of(answer: requests.Response) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3): a number, or a date."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return None
