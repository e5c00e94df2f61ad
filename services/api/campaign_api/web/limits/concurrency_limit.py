"""Non-blocking concurrency limits for requests that take long, per kind of work and per key.

A flood of one kind of work leaves threads and memory to the others, and a flood from one key
leaves room to other keys.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from math import ceil
from typing import Any

from flask import Flask, Response

from campaign_api.errors import TooManyRequests
from campaign_api.web.caller import LOCAL, caller
from campaign_api.web.routing.view_metadata import LimitedWork, limited_work_of

SHARE = 0.75
"""Part of a limit that one key may use at most."""

NAMES = {
    LimitedWork.UPLOAD: "uploads",
    LimitedWork.CREATION: "requests for campaigns from files",
    LimitedWork.EXPORT: "exports",
    LimitedWork.DRY_RUN: "dry runs",
    LimitedWork.TEST_MESSAGE: "test messages",
    LimitedWork.SIGN_IN: "sign-ins",
}


class ConcurrencyLimit:
    """A limit on concurrent requests of one kind of work; thread-safe."""

    def __init__(self, most: int, name: str) -> None:
        """Allow `most` requests at a time; `name` is the plural that error messages use."""
        self._most = most
        self._share = max(1, min(most - 1, ceil(SHARE * most)))
        self._name = name
        self._counting = threading.Lock()
        self._active: Counter[str] = Counter()

    def acquire(self, key_id: str) -> None:
        """Count a request of a key as active.

        Raises:
            TooManyRequests: the limit is reached, or the share of the key.
        """
        share = self._most if key_id == LOCAL.key_id else self._share
        with self._counting:
            if self._active.total() >= self._most:
                raise TooManyRequests(
                    f"this process is at work on as many {self._name} as it may be"
                    f" ({self._most}); send the request again later"
                )
            if self._active[key_id] >= share:
                raise TooManyRequests(
                    f"this process is at work on as many {self._name} of this key as it may be"
                    f" ({share}); send the request again later"
                )
            self._active[key_id] += 1

    def release(self, key_id: str) -> None:
        """Count a request of a key as done."""
        with self._counting:
            self._active[key_id] -= 1
            self._active += Counter()


def register(app: Flask, most: Mapping[LimitedWork, int]) -> None:
    """Limit the views of `app` that are marked with `limited`; all views are registered by now.

    A request is active until its view has returned or, if it streams, until its last part is sent.
    It is not active while a body arrives that is read before the view runs.
    """
    limits = {work: ConcurrencyLimit(number, NAMES[work]) for work, number in most.items()}
    for endpoint, view in app.view_functions.items():
        work = limited_work_of(view)
        if work is not None:
            app.view_functions[endpoint] = _wrap(app, view, limits[work])


def _wrap(app: Flask, view: Callable[..., Any], limit: ConcurrencyLimit) -> Callable[..., Response]:
    @wraps(view)
    def answer(**arguments: object) -> Response:
        key_id = caller().key_id
        limit.acquire(key_id)
        with ExitStack() as stack:
            stack.callback(limit.release, key_id)
            response = app.make_response(view(**arguments))
            if response.is_streamed:
                response.call_on_close(stack.pop_all().close)
        return response

    return answer
