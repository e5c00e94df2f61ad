"""`POST` and `GET` of `/v1/callbacks/{provider}` and `/v1/inbound/{provider}`.

They are answered in the loop without the application. Gateways send thousands of small requests a
second, and show no API key. What can be refused without the body is refused before it is read: an
unknown provider, another method, a length that is too large, a provider that has no place left.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from gunicorn.http.errors import ParseException

from campaign_api.metrics import CallbackMetrics, RequestMetrics
from campaign_api.serving.callbacks.callback_content import CallbackContent, CallbackReader
from campaign_api.serving.callbacks.commit_batches import BatchBounds, CommitBatches
from campaign_api.serving.callbacks.message_receipts import SideReceipt
from campaign_api.serving.callbacks.receipt_batches import ReceiptBatches
from campaign_api.serving.callbacks.responses import (
    BUSY,
    ELSEWHERE,
    FAILED,
    FRAMING,
    LATE,
    METHOD,
    NO_HOST,
    PASSWORD,
    REFUSED,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN,
    CallbackResponse,
    Problem,
    accepted,
    problem,
)
from campaign_api.serving.callbacks.target import (
    CallbackTarget,
    request_of,
    route_of,
    target_of,
)
from campaign_api.serving.connections import Connections, NoRoom, Phase
from campaign_api.serving.request_body import RequestBody
from campaign_api.serving.responses.bounded_log import BoundedLog
from campaign_api.serving.threads import Threads, TooMuchWork
from campaign_api.web.http.request_line import NEEDS_HOST
from campaign_api.web.routing.application import Environ
from campaign_api.web.telemetry.tracing import REQUEST_ID
from campaign_common.domain.content.unsubscribe_link import LINKS_PATH
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.errors import RetryLater
from campaign_providers.callbacks.facts import CallbackReply, CallbackRequest, Refused

LARGEST_BODY = 256 * 1024
"""Bytes; more than the largest batch that a gateway documents."""

ARRIVAL = 5.0
"""Seconds in which a body has to arrive."""

MOST_IN_LOOP = 8_192
"""Bytes of a body that is verified and read in the loop, in less than 0.5 ms; else in a thread."""

READERS, LARGE_WAITING = 2, 64
"""Threads for large bodies, and how many of a provider may wait for one."""

MOST_BYTES = 2 * 2**20
"""Bytes of the bodies of one provider that arrive or wait, in each process."""

CALLBACKS_ONLY = "campaign_api.callbacks_only"
"""Key in the WSGI environment of requests that came through CallbackPort."""

INBOUND_BOUNDS = BatchBounds(largest_batch=200, most_waiting=1_000)
"""Bounds of inbound messages, whose texts take 16 KB each at the most."""

METHODS = frozenset({"GET", "POST"})

log = structlog.get_logger(__name__)
refusals, failures = BoundedLog(), BoundedLog()


class EndpointMetrics(NamedTuple):
    """Counters of all requests, and of callbacks."""

    requests: RequestMetrics
    callbacks: CallbackMetrics


class NotTaken(Exception):
    """A callback is refused, or cannot be taken in now; `because` says more to an operator."""

    def __init__(self, problem: Problem, because: str | None = None) -> None:
        self.problem = problem
        self.because = because
        super().__init__(problem.detail)


class CallbackBatches(NamedTuple):
    """Content of callbacks on its way to the database."""

    receipts: ReceiptBatches
    inbound: CommitBatches[InboundMessage]
    beside: CommitBatches[SideReceipt]
    """Receipts of test messages, and those that name their message by the provider's id."""


class CallbackEndpoint:
    """Endpoint of callbacks; to be used by the greenlets of one thread."""

    def __init__(
        self,
        by_provider: Mapping[str, CallbackReader],
        base_url: str,
        batches: CallbackBatches,
        metrics: EndpointMetrics,
        places: int,
    ) -> None:
        """Take in what the readers of `by_provider` verify, with `places` for the requests of each.

        `base_url`: what the public URLs of callbacks begin with.
        """
        self._by_provider = by_provider
        self._base_url = base_url.rstrip("/")
        self._batches = batches
        self._metrics = metrics
        self._places = {name: Connections(places, MOST_BYTES) for name in by_provider}
        self._readers = Threads(READERS, share=1, most_waiting=LARGE_WAITING)

    @staticmethod
    def takes(environ: Environ) -> bool:
        """Return whether a request is to be answered here, and not by the application.

        Through CallbackPort the application answers nothing but the page of links to unsubscribe.
        """
        path: str = environ["PATH_INFO"]
        is_elsewhere = CALLBACKS_ONLY in environ and not path.startswith(LINKS_PATH)
        return route_of(environ) is not None or is_elsewhere

    def respond(self, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        """Respond to a callback (WSGI).

        Raises:
            OSError: the client is gone.
        """
        answering = _Answering(environ)
        try:
            target = self._known_target(environ)
            answering.provider = target.provider
            response = accepted(self._reply(environ, target, answering))
        except NotTaken as error:
            response = answering.refused(error)
        start_response(response.status, [*response.headers, (REQUEST_ID, answering.request_id)])
        self._count(answering, response)
        return [] if answering.method == "HEAD" else [response.body]

    def _known_target(self, environ: Environ) -> CallbackTarget:
        if route_of(environ) is None:
            raise NotTaken(ELSEWHERE)
        target = target_of(environ)
        if target.provider not in self._by_provider:
            raise NotTaken(UNKNOWN)
        return target

    def _reply(
        self, environ: Environ, target: CallbackTarget, answering: "_Answering"
    ) -> CallbackReply:
        body: RequestBody = environ["wsgi.input"]
        _require_acceptable(environ, body)
        connection = body.connection
        try:
            others = connection.join(self._places[target.provider])
        except NoRoom as error:
            raise NotTaken(BUSY) from error
        try:
            content = _collected(body)
            answering.began = time.monotonic()
            request = request_of(environ, self._base_url + target.path_and_query, content)
            brought = self._read(target, request)
            del content, request
            connection.release()
            return self._stored(target.provider, brought)
        finally:
            connection.rejoin(others)

    def _read(self, target: CallbackTarget, request: CallbackRequest) -> CallbackContent:
        read = partial(self._by_provider[target.provider].read, request, target.purpose)
        try:
            if len(request.body) <= MOST_IN_LOOP:
                found = read()
            else:
                found = self._readers.run(target.provider, read)
        except TooMuchWork as error:
            raise NotTaken(BUSY) from error
        except Exception as error:
            raise NotTaken(FAILED) from error
        if isinstance(found, Refused):
            raise NotTaken(PASSWORD if found.asks_for_password else REFUSED, found.reason)
        return found

    def _stored(self, provider: str, brought: CallbackContent) -> CallbackReply:
        """Return the reply when receipts and inbound messages are committed."""
        try:
            if brought.inbound:
                self._batches.inbound.store(brought.inbound)
            if brought.receipts:
                self._batches.receipts.store(brought.receipts)
            if brought.beside:
                self._batches.beside.store(brought.beside)
        except RetryLater as error:
            raise NotTaken(UNAVAILABLE, str(error)) from error
        except Exception as error:
            raise NotTaken(FAILED) from error
        metrics = self._metrics.callbacks
        ranks = [receipt.rank for receipt in (*brought.receipts, *brought.beside)]
        for rank, number in Counter(ranks).items():
            metrics.received(provider, rank, number)
        for kind, number in brought.unused.items():
            metrics.not_understood(provider, kind, number)
        return brought.reply

    def _count(self, answering: "_Answering", response: CallbackResponse) -> None:
        method, seconds = answering.method, time.monotonic() - answering.began
        self._metrics.requests.answered(method, answering.route, response.code, seconds)
        self._metrics.callbacks.answered(answering.provider, response.result)
        log.debug(
            "request",
            method=method,
            route=answering.route,
            provider=answering.provider,
            status=response.code,
            request_id=answering.request_id,
        )


class _Answering:
    """A callback while it is answered, as the log and the metrics have it."""

    def __init__(self, environ: Environ) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.route = route_of(environ)
        self.provider = ""
        """A configured name, or empty."""
        self.began = time.monotonic()
        """When its body was complete."""
        self.request_id = token_hex(16)
        self._client: str | None = environ.get("REMOTE_ADDR")

    def refused(self, error: NotTaken) -> CallbackResponse:
        """Return the response to a callback that is not taken in, and log it.

        Of the request nothing is logged that its sender chooses: URLs and bodies hold phone
        numbers, references and texts.
        """
        response = problem(error.problem)
        cause = error.__cause__ if error.problem is FAILED else None
        (failures if cause else refusals).warning(
            "callback failed" if cause else "callback not taken",
            provider=self.provider or None,
            status=response.code,
            reason=error.because or error.problem.result,
            client=self._client,
            request_id=self.request_id,
            exc_info=cause,
        )
        return response


def _require_acceptable(environ: Environ, body: RequestBody) -> None:
    """Refuse what can be refused without its body.

    Raises:
        NotTaken: it is not acceptable.
    """
    if environ["REQUEST_METHOD"] not in METHODS:
        raise NotTaken(METHOD)
    if environ["SERVER_PROTOCOL"] == NEEDS_HOST and not environ.get("HTTP_HOST"):
        raise NotTaken(NO_HOST)
    if body.length > LARGEST_BODY:
        raise NotTaken(TOO_LARGE)


def _collected(body: RequestBody) -> bytes:
    """Return the body, still compressed if it is.

    Raises:
        NotTaken: it is too large, late, or no body.
        OSError: the client is gone.
    """
    if body.is_complete:
        return b""
    connection = body.connection
    if not body.is_at_hand:
        connection.move(Phase.BODY)
        connection.end_after(ARRIVAL)
    try:
        content = bytes(body.collect(LARGEST_BODY))
    except NoRoom as error:
        raise NotTaken(BUSY) from error
    except TimeoutError as error:
        raise NotTaken(LATE) from error
    except ParseException as error:
        raise NotTaken(FRAMING) from error
    if len(content) > LARGEST_BODY:
        raise NotTaken(TOO_LARGE)
    if not body.is_complete:
        raise NotTaken(LATE)
    connection.move(Phase.WORKING)
    return content
