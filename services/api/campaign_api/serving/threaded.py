"""WSGI middleware between the greenlets that hold connections and the threads that work.

A request is admitted in a thread (who asks, for what), its body is collected by its greenlet, and
its answer produced in a thread again, a part at a time: neither a slow client nor a slow reader
holds a thread. An upload alone is read by the thread that works on it.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from typing import Any, Self, TypeVar

from gevent.threadpool import ThreadPool
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ServiceUnavailable

from campaign_api.serving.connection import ARRIVAL, Phase
from campaign_api.serving.connections import NoRoom
from campaign_api.serving.request_body import BrokenBody, RequestBody
from campaign_api.web.application import Application, BodyWanted

T = TypeVar("T")

PROBES = 2
"""Threads for /readyz."""

ALIVE, READY = "/healthz", "/readyz"
"""What is answered however many requests wait."""

IGNORED = 4_096
"""Bytes of a body that are read although nobody wants them, so that the connection goes on."""

BLOCK = 65_536
"""Bytes of a body that are read at a time."""

AT_ONCE = 262_144
"""Bytes after which what was produced is sent before more is."""

TURN = 0.25
"""Seconds after which an answer that is still being produced lets others have the thread."""


class TooMuchWork(Exception):
    """So many requests wait for a thread that one more would wait in vain."""


class ApplicationFailed(Exception):
    """The application raised what would be taken for the client's failure."""


class Threaded:
    """Runs an application in native threads."""

    def __init__(self, application: Application, threads: int, most_waiting: int) -> None:
        """Have `threads`, and let `most_waiting` requests wait for one."""
        self.application = application
        self._pool = ThreadPool(threads)
        self._probes = ThreadPool(PROBES)
        self._most = threads + most_waiting
        self._largest_body: int = application.config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> "Answer":
        """Take a request's body; its answer is produced as it is iterated over.

        Raises:
            TooMuchWork: too many others wait.
        """
        path = environ["PATH_INFO"]
        pool = None if path == ALIVE else self._probes if path == READY else self._pool
        answer = Answer(self.application, environ, start_response, pool)
        body: RequestBody = environ["wsgi.input"]
        if len(self._pool) >= self._most and pool is not None:
            raise TooMuchWork
        if pool is None and not body.is_chunked and body.length <= IGNORED:
            self._take(body, environ, BodyWanted.WHOLE)
        if pool is not None and not body.is_complete:
            try:
                self._take(body, environ, answer.run(partial(self.application.admit, environ)))
            except BaseException:
                answer.close()
                raise
        return answer

    def _take(self, body: RequestBody, environ: dict[str, Any], wanted: BodyWanted) -> None:
        connection = body.connection
        if wanted is BodyWanted.AS_IT_COMES:
            connection.keep_pace()
        elif (
            wanted is BodyWanted.WHOLE
            and not body.is_complete
            and body.length <= self._largest_body
        ):
            connection.move(Phase.BODY)
            connection.end_after(ARRIVAL)
            try:
                environ["wsgi.input"] = self._collect(body)
            except (OSError, ParseException) as error:
                environ["wsgi.input"] = BrokenBody(error)
            except NoRoom:
                said = "too many bodies are arriving at once; send the request again later"
                environ["wsgi.input"] = BrokenBody(ServiceUnavailable(said))
            connection.move(Phase.WORKING)

    def _collect(self, body: RequestBody) -> io.BytesIO:
        content = bytearray()
        # Of one that is too large, as much as shows it.
        while not body.is_complete and len(content) <= self._largest_body:
            block = body.read(BLOCK)
            content += block
            if not block:
                break
        return io.BytesIO(content)


class Answer:
    """What an application answers, a part at a time; one thread at a time works on it."""

    def __init__(
        self,
        application: Application,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        pool: ThreadPool | None,
    ) -> None:
        """Work in threads of `pool`, or at once where there is none."""
        self.is_over = False
        self._application = application
        self._environ = environ
        self._start_response = start_response
        self._pool = pool
        # A request keeps its context from one thread to the next.
        self._context = copy_context()
        self._answered: Any = None
        self._pieces: Iterator[bytes] | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self.is_over:
            raise StopIteration
        try:
            return self.run(self._produce)
        except OSError as error:
            raise ApplicationFailed from error

    def run(self, work: Callable[[], T]) -> T:
        """Run a part of the work in a thread, while other greenlets run."""
        if self._pool is None:
            return self._context.run(work)
        # gevent would write what leaves a thread to stderr, as it is.
        attempt = partial(_attempted, partial(self._context.run, work))
        result: T
        result, error = self._pool.spawn(attempt).get()
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Let the application end where it was not asked for all of its answer."""
        if not self.is_over:
            self.is_over = True
            self.run(self._end)

    def _produce(self) -> bytes:
        if self._pieces is None:
            self._answered = self._application(self._environ, self._start_response)
            self._pieces = iter(self._answered)
        produced = bytearray()
        over_at = time.monotonic() + TURN
        for piece in self._pieces:
            produced += piece
            if len(produced) >= AT_ONCE or time.monotonic() >= over_at:
                return bytes(produced)
        self.is_over = True
        self._end()
        return bytes(produced)

    def _end(self) -> None:
        self._application.dismiss(self._environ)
        if hasattr(self._answered, "close"):
            self._answered.close()


def _attempted(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
        return None, error
