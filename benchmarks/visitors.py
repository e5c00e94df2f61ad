"""Visitors of the dashboard, as browsers that keep what they have: pages, and what follows one."""

import http.client
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

ANSWER_SECONDS = 60

STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')
NAVIGATION = re.compile(r"<nav aria-label=.*?</nav>", re.DOTALL)
LINK = re.compile(r'<a href="(/[^"]*)"')

POLL_SECONDS = 1.0
POINTS_EVERY = 5
"""Polls between two requests for further points of the plots."""


class Seen(NamedTuple):
    """An answer as a browser sees it."""

    text: str
    bytes: int
    """Of its body; none where it was not sent again."""
    seconds: float


class Visitor:
    """A browser with a session, over one connection."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
        self._headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        self._tags: dict[str, str] = {}
        body = urlencode({"key": token})
        form = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
        self._connection.request("POST", "/sign-in", body, form)
        answer = self._connection.getresponse()
        answer.read()
        cookie = answer.getheader("Set-Cookie")
        if answer.status != http.HTTPStatus.SEE_OTHER or cookie is None:
            raise RuntimeError(f"sign-in: {answer.status}")
        self._headers["Cookie"] = cookie.partition(";")[0]

    def open(self, path: str, *, again: bool = False) -> Seen:
        """Read a path; `again`: only if it has changed since the last time.

        Raises:
            RuntimeError: the answer is neither a page nor the note that it has not changed.
        """
        headers = dict(self._headers)
        if again and path in self._tags:
            headers["If-None-Match"] = self._tags[path]
        began = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            # It was idle for too long; browsers ask once more, too.
            self._connection.close()
            self._connection.request("GET", path, headers=headers)
            answer = self._connection.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - began
        if answer.status not in (http.HTTPStatus.OK, http.HTTPStatus.NOT_MODIFIED):
            raise RuntimeError(f"{path}: {answer.status} {content[:200]!r}")
        self._tags[path] = answer.getheader("ETag") or ""
        return Seen(content.decode("utf-8", "replace"), len(content), seconds)

    def first_load(self, path: str) -> int:
        """Return the bytes of a page with everything that it loads."""
        page = self.open(path)
        return page.bytes + sum(self.open(each).bytes for each in set(STATIC.findall(page.text)))

    def screens(self) -> Mapping[str, str]:
        """Return the paths that the navigation has, by a name."""
        navigation = NAVIGATION.search(self.open("/").text)
        paths = LINK.findall(navigation[0]) if navigation else []
        return {path.strip("/") or "overview": path for path in paths}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Viewer(threading.Thread):
    """A visitor who looks at a campaign, as the page of the dashboard does."""

    def __init__(self, visitor: Visitor, path: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._visitor = visitor
        self._path = path
        self._stopped = stop
        self.polls: list[Seen] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Ask for news until the time is over."""
        try:
            self._visitor.open(self._path)
            # What the page asks for once the campaign has begun; the seed is that of the page.
            live = f"{self._path}/live?seed={token_hex(16)}"
            after = int(time.time() * 1_000)
            # Browsers were not opened in the same moment.
            self._stopped.wait(random.random() * POLL_SECONDS)  # noqa: S311 - no secret
            polls = 0
            while not self._stopped.wait(POLL_SECONDS):
                self.polls.append(self._visitor.open(live, again=True))
                polls += 1
                if polls % POINTS_EVERY == 0:
                    self.polls.append(self._visitor.open(f"{self._path}/points?after={after}"))
                    after = int(time.time() * 1_000)
        except Exception as error:  # noqa: BLE001 - raised again where the thread is joined
            self.error = error
        self._visitor.close()


@contextmanager
def viewing(url: str, token: str, path: str, number: int) -> Iterator[Sequence[Viewer]]:
    """Let so many people look at a campaign during the block."""
    stop = threading.Event()
    viewers = [Viewer(Visitor(url, token), path, stop) for _ in range(number)]
    for viewer in viewers:
        viewer.start()
    try:
        yield viewers
    finally:
        stop.set()
        for viewer in viewers:
            viewer.join()
    for viewer in viewers:
        if viewer.error is not None:
            raise viewer.error
