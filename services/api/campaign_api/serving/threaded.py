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

from gevent import GreenletExit
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ServiceUnavailable

from campaign_api.serving.callbacks.endpoint import CallbackEndpoint
from campaign_api.serving.connection import ARRIVAL
from campaign_api.serving.connections import NoRoom, Phase
from campaign_api.serving.request_body import BrokenBody, RequestBody
from campaign_api.serving.responses.liveness import PATH as ALIVE
from campaign_api.serving.responses.liveness import Liveness
from campaign_api.serving.threads import Threads, TooMuchWork
from campaign_api.web.routing.application import Application, BodyWanted
from campaign_common.domain.content.unsubscribe_link import LINKS_PATH

T = TypeVar("T")

PROBES = 2
"""Threads for /readyz."""

STRANGERS = 4
"""Threads for requests that show no key which is known here: most of them are refused."""

LINKS = 4
"""Threads for links to unsubscribe, of which everybody who gets a message has one."""

STRANGER = ""

READY = "/readyz"
"""Path that is answered however many requests wait, as the one of `Liveness` is."""

IGNORED = 4_096
"""Bytes of an unused body that are read, so that the connection can be reused."""

AT_ONCE = 65_536
"""Bytes after which what was produced is sent before more is."""

TURN = 0.25
"""Seconds after which an answer that is still being produced lets others have the thread."""


class ApplicationFailed(Exception):
    """The application raised what would be taken for the client's failure."""


class Threaded:
    """Application that runs in native threads."""

    def __init__(
        self,
        application: Application,
        threads: int,
        most_waiting: int,
        liveness: Liveness | None = None,
        callbacks: CallbackEndpoint | None = None,
    ) -> None:
        """Start `threads`; at most `most_waiting` requests of a key wait for one."""
        self._callbacks = callbacks
        self.application = application
        self._liveness = liveness
        half = max(1, threads // 2)
        self._threads = Threads(threads, share=half, most_waiting=most_waiting)
        self._local = Threads(threads, share=threads, most_waiting=most_waiting)
        self._strangers = Threads(STRANGERS, share=STRANGERS, most_waiting=most_waiting)
        self._links = Threads(LINKS, share=LINKS, most_waiting=most_waiting)
        self._probes = Threads(PROBES, share=PROBES, most_waiting=most_waiting)
        self._largest_body: int = application.config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> "Answer":
        """Take a request's body; its answer is produced as it is iterated over.

        Raises:
            TooMuchWork: too many others of the same key wait.
        """
        if self._callbacks is not None and self._callbacks.takes(environ):
            return self._answer_in_loop(self._callbacks, environ, start_response)
        threads, key_id = self._threads_for(environ)
        answer = Answer(self.application, environ, start_response, threads, key_id)
        if threads is None and self._liveness is not None:
            answer.begin(self._liveness.respond(environ, start_response))
        body: RequestBody = environ["wsgi.input"]
        if threads is None and not body.is_chunked and body.length <= IGNORED:
            self._take(body, environ, BodyWanted.WHOLE)
        if threads is not None and body.is_at_hand and body.length <= self._largest_body:
            # It waits for a thread once: nothing is to be received between two parts of its work.
            self._take(body, environ, BodyWanted.WHOLE)
        if threads is not None and not body.is_complete:
            try:
                self._take(body, environ, answer.run(partial(self.application.admit, environ)))
            except BaseException as error:
                # Its frames hold what has arrived, and to close may take a while.
                error.__traceback__ = None
                answer.close()
                raise
        return answer

    def _answer_in_loop(
        self,
        callbacks: CallbackEndpoint,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
    ) -> "Answer":
        answer = Answer(self.application, environ, start_response, None, STRANGER)
        try:
            answer.begin(callbacks.respond(environ, start_response))
        except BaseException:
            answer.close()
            raise
        return answer

    def _threads_for(self, environ: dict[str, Any]) -> tuple[Threads | None, str]:
        path = environ["PATH_INFO"]
        if path == ALIVE:
            # It waits for nothing, and must not wait for a thread.
            return None, STRANGER
        if path == READY:
            return self._probes, STRANGER
        if path.startswith(LINKS_PATH):
            return self._links, STRANGER
        key_id = self.application.recognise(environ)
        if key_id is None:
            return self._strangers, STRANGER
        return (self._threads if key_id else self._local), key_id

    def _take(self, body: RequestBody, environ: dict[str, Any], wanted: BodyWanted) -> None:
        connection = body.connection
        if wanted is BodyWanted.AS_IT_COMES:
            body.invite()
            connection.keep_pace()
        elif (
            wanted is BodyWanted.WHOLE
            and not body.is_complete
            and body.length <= self._largest_body
        ):
            connection.move(Phase.BODY)
            connection.end_after(ARRIVAL)
            try:
                environ["wsgi.input"] = io.BytesIO(body.collect(self._largest_body))
            except (OSError, ParseException) as error:
                environ["wsgi.input"] = BrokenBody(error)
            except NoRoom:
                said = "too many bodies are arriving at once; send the request again later"
                environ["wsgi.input"] = BrokenBody(ServiceUnavailable(said))
            connection.move(Phase.WORKING)


class Answer:
    """Answer of an application, a part at a time; one thread at a time works on it."""

    def __init__(
        self,
        application: Application,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        threads: Threads | None,
        key_id: str,
    ) -> None:
        """Work in `threads`, or at once where there are none."""
        self.is_over = False
        self._application = application
        self._environ = environ
        self._start_response = start_response
        self._threads = threads
        self._key_id = key_id
        self._has_part = False
        self._is_worked_on = False
        # A request keeps its context from one thread to the next.
        self._context = copy_context()
        self._answered: Any = None
        self._pieces: Iterator[bytes] | None = None

    def begin(self, body: list[bytes] | None) -> None:
        """Take `body` as the first part, unless it is None."""
        if body is not None:
            self._answered, self._pieces = body, iter(body)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self.is_over:
            raise StopIteration
        self.part_is_on_its_way()
        self._has_part = self._threads is not None
        try:
            goes_on = self._pieces is not None
            return self.run(self._produce, is_part=self._has_part, goes_on=goes_on)
        except TooMuchWork:
            self._has_part = False
            raise
        except OSError as error:
            raise ApplicationFailed from error

    def run(self, work: Callable[[], T], *, is_part: bool = False, goes_on: bool = False) -> T:
        """Run a part of the work in a thread, while other greenlets run."""

        def in_context() -> T:
            return self._context.run(work)

        if self._threads is None:
            return in_context()
        try:
            return self._threads.run(self._key_id, in_context, is_part=is_part, goes_on=goes_on)
        except GreenletExit:
            # The thread goes on, and leaves its context when it is done.
            self._is_worked_on = True
            raise

    def part_is_on_its_way(self) -> None:
        """Allow the next part: the system has the last one, or it is counted."""
        if self._has_part and self._threads is not None:
            self._has_part = False
            self._threads.parts.release()

    def close(self) -> None:
        """End the application where it was not asked for all of its answer."""
        self.part_is_on_its_way()
        if self._is_worked_on:
            return
        if not self.is_over:
            self.is_over = True
            if self._answered is None:
                # What was admitted alone ends at once; for a thread it might wait long.
                self._context.run(self._end)
            else:
                self.run(self._end)
        # It and the application's request refer to each other, and to what has arrived of a body:
        # that would stay in memory until the garbage collector comes.
        self._environ.clear()

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
