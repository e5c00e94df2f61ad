"""Flask application that authenticates and limits a request before its body is read."""

import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, NamedTuple

from flask import Flask, g
from flask.ctx import RequestContext

from campaign_api.web.caller import LOCAL
from campaign_api.web.routing.view_metadata import idempotency_mode_of, is_open_to_all

ADMITTED = "campaign_api.admitted"
"""Key in the WSGI environment for the result of `admit`."""

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods whose bodies have no meaning (RFC 9110, section 9.3)."""

Environ = dict[str, Any]


class BodyWanted(Enum):
    """The reader of a request's body, if it is to be read."""

    NOT_AT_ALL = "not at all"
    """The request is refused without its body, or needs none."""
    WHOLE = "whole"
    """Before the view runs."""
    AS_IT_COMES = "as it comes"
    """The view reads it."""


class Admitted(NamedTuple):
    """A request whose hooks have run, their response if any, and the time (monotonic)."""

    context: RequestContext
    answer: Any
    at: float


class Application(Flask):
    """Flask, whose requests may be admitted first and worked on when their bodies are there.

    Both steps have to run in the same contextvars.Context.
    """

    def __init__(self, name: str, **options: Any) -> None:  # noqa: ANN401 - Flask's own
        """Create an application that treats all clients as local."""
        super().__init__(name, **options)
        self.recognise: Callable[[Environ], str | None] = lambda _: LOCAL.key_id
        """Returns the id of the key that a request shows, None for an unknown one; never waits."""

    def admit(self, environ: Environ) -> BodyWanted:
        """Run what comes before the view: authentication and limits."""
        context = self.request_context(environ)
        context.push()
        answer = None
        try:
            answer = self.preprocess_request()
        except Exception as error:  # noqa: BLE001 - becomes an answer, as in Flask's own
            answer = self.handle_user_exception(error)
        environ[ADMITTED] = Admitted(context, answer, time.monotonic())
        if answer is not None or context.request.endpoint is None:
            return BodyWanted.NOT_AT_ALL
        view = self.view_functions[context.request.endpoint]
        if is_open_to_all(view) or context.request.method in BODILESS:
            return BodyWanted.NOT_AT_ALL
        mode = idempotency_mode_of(view)
        streamed = mode is not None and mode.is_streamed
        return BodyWanted.AS_IT_COMES if streamed else BodyWanted.WHOLE

    def dismiss(self, environ: Environ) -> None:
        """Drop a request that was admitted and will not be processed."""
        admitted: Admitted | None = environ.pop(ADMITTED, None)
        if admitted is not None:
            admitted.context.pop()

    def wsgi_app(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Respond to a request, admitted before or not."""
        admitted: Admitted | None = environ.pop(ADMITTED, None)
        if admitted is None:
            return super().wsgi_app(environ, start_response)
        failure: BaseException | None = None
        try:
            # The time that its body took is the client's.
            g.began = g.get("began", admitted.at) + time.monotonic() - admitted.at
            try:
                response = self._work(admitted.answer)
            except Exception as error:  # noqa: BLE001 - as in Flask's own
                failure = error
                response = self.handle_exception(error)
            answer: Iterable[bytes] = response(environ, start_response)
            return answer
        finally:
            admitted.context.pop(failure)

    def _work(self, answer: Any) -> Any:  # noqa: ANN401 - Flask's own types
        try:
            if answer is None:
                answer = self.dispatch_request()
        except Exception as error:  # noqa: BLE001 - as in Flask's own
            answer = self.handle_user_exception(error)
        return self.finalize_request(answer)
