"""Clients that send one kind of request each to the API, at a steady rate, from threads."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANSWER_SECONDS = 60

Times = dict[str, list[float]]
"""Milliseconds by kind of request."""


class Request(NamedTuple):
    """A request to the API."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


Ask = Callable[[], Request]
"""Factory of the next request of a kind."""


class Client:
    """A connection to the API, with the key of a user."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, request: Request) -> bytes:
        """Send a request; any answer but a success ends the benchmark."""
        body = None if request.body is None else json.dumps(request.body)
        self._connection.request(request.method, request.path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{request}: {response.status} {answer[:500]!r}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class AskingThread(threading.Thread):
    """A thread that repeats a request over one connection, and notes the milliseconds of each."""

    def __init__(self, client: Client, ask: Ask, pause: float, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._ask = ask
        self._pause = pause
        self._stopped = stop
        self.times: list[float] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Send requests until the time is over."""
        try:
            while not self._stopped.wait(self._pause):
                request = self._ask()
                began = time.perf_counter()
                self._client.ask(request)
                self.times.append((time.perf_counter() - began) * 1_000)
        except Exception as error:  # noqa: BLE001 - raised again where the thread is joined
            self.error = error
        self._client.close()


@contextmanager
def asking(url: str, token: str, kinds: Mapping[str, Ask], rate: float) -> Iterator[Times]:
    """Send each kind of request at this rate during the block; the times are complete after it."""
    stop = threading.Event()
    threads = {
        kind: AskingThread(Client(url, token), ask, 1 / rate, stop) for kind, ask in kinds.items()
    }
    times: Times = {}
    for thread in threads.values():
        thread.start()
    try:
        yield times
    finally:
        stop.set()
        for thread in threads.values():
            thread.join()
    for kind, thread in threads.items():
        if thread.error is not None:
            raise thread.error
        times[kind] = thread.times
