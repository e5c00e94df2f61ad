"""`POST` and `GET /v1/callbacks/{provider}`, answered in the loop without the application.

Gateways send thousands of small requests a second, and show no API key. What can be refused
without the body is refused before it is read: an unknown provider, another method, a length that
is too large, a provider that has no place left.
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
from campaign_api.serving.callbacks.message_receipts import message_receipts
from campaign_api.serving.callbacks.receipt_stores import ReceiptStores
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
    ROUTE,
    CallbackTarget,
    is_callback,
    request_of,
    target_of,
)
from campaign_api.serving.connections import Connections, NoRoom, Phase
from campaign_api.serving.request_body import RequestBody
from campaign_api.serving.responses.bounded_log import BoundedLog
from campaign_api.serving.threads import Threads, TooMuchWork
from campaign_api.web.http.request_line import NEEDS_HOST
from campaign_api.web.routing.application import Environ
from campaign_api.web.telemetry.tracing import REQUEST_ID
from campaign_common.errors import RetryLater
from campaign_providers.callbacks.facts import (
    Accepted,
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    Refused,
)
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks

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


class CallbackEndpoint:
    """Endpoint of callbacks; to be used by the greenlets of one thread."""

    def __init__(
        self,
        by_provider: Mapping[str, ProviderCallbacks],
        base_url: str,
        stores: ReceiptStores,
        metrics: EndpointMetrics,
        places: int,
    ) -> None:
        """Take in what `by_provider` verifies, with `places` for the requests of each.

        `base_url`: what the public URLs of callbacks begin with.
        """
        self._by_provider = by_provider
        self._base_url = base_url.rstrip("/")
        self._stores = stores
        self._metrics = metrics
        self._places = {name: Connections(places, MOST_BYTES) for name in by_provider}
        self._readers = Threads(READERS, share=1, most_waiting=LARGE_WAITING)

    @staticmethod
    def takes(environ: Environ) -> bool:
        """Return whether a request is to be answered here, and not by the application."""
        return is_callback(environ) or CALLBACKS_ONLY in environ

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
        if not is_callback(environ):
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
            facts = self._facts(target.provider, request)
            del content, request
            connection.release()
            return self._stored(target.provider, facts)
        finally:
            connection.rejoin(others)

    def _facts(self, provider: str, request: CallbackRequest) -> Accepted:
        accept = partial(self._by_provider[provider].accept, request, CallbackPurpose.RECEIPTS)
        try:
            if len(request.body) <= MOST_IN_LOOP:
                facts = accept()
            else:
                facts = self._readers.run(provider, accept)
        except TooMuchWork as error:
            raise NotTaken(BUSY) from error
        except Exception as error:
            raise NotTaken(FAILED) from error
        if isinstance(facts, Refused):
            raise NotTaken(PASSWORD if facts.asks_for_password else REFUSED, facts.reason)
        return facts

    def _stored(self, provider: str, facts: Accepted) -> CallbackReply:
        """Return the reply when the receipts are committed."""
        stores = self._stores
        receipts, beside, others = message_receipts(provider, facts, stores.found_by_id)
        try:
            if receipts:
                stores.of_messages.store(receipts)
            if beside:
                stores.beside.store(beside)
        except RetryLater as error:
            raise NotTaken(UNAVAILABLE, str(error)) from error
        except Exception as error:
            raise NotTaken(FAILED) from error
        metrics = self._metrics.callbacks
        for rank, number in Counter(one.rank for one in (*receipts, *beside)).items():
            metrics.received(provider, rank, number)
        for kind, number in others.items():
            metrics.not_understood(provider, kind, number)
        return facts.reply

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
        self.route = ROUTE if is_callback(environ) else None
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
