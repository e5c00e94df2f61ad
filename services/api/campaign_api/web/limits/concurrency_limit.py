"""Places for work that takes long: so many requests of a kind at a time, and a share for each key.

However many ask for one kind of work, threads and memory are left for the others; however many
one key asks for, others with a key find a place.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from math import ceil
from typing import Any

from flask import Flask, Response

from campaign_api.errors import TooMany
from campaign_api.web.caller import LOCAL, caller
from campaign_api.web.routing.view_metadata import Work, work_of

SHARE = 0.75
"""Of the places of a kind, that one key may have at most."""

SAID = {
    Work.UPLOAD: "uploads",
    Work.CREATION: "requests for campaigns from files",
    Work.EXPORT: "exports",
    Work.DRY_RUN: "dry runs",
    Work.TEST_MESSAGE: "test messages",
}


class Places:
    """The places of one kind of work; any thread may ask."""

    def __init__(self, most: int, of_what: str) -> None:
        """Have `most` places; `of_what` is in the plural, as a refusal says it."""
        self._most = most
        self._share = max(1, min(most - 1, ceil(SHARE * most)))
        self._of_what = of_what
        self._counting = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, key_id: str) -> None:
        """Take a place for a key.

        Raises:
            TooMany: there is none, or the key has its share.
        """
        share = self._most if key_id == LOCAL.key_id else self._share
        with self._counting:
            if self._taken.total() >= self._most:
                raise TooMany(
                    f"this process is at work on as many {self._of_what} as it may be"
                    f" ({self._most}); send the request again later"
                )
            if self._taken[key_id] >= share:
                raise TooMany(
                    f"this process is at work on as many {self._of_what} of this key as it may be"
                    f" ({share}); send the request again later"
                )
            self._taken[key_id] += 1

    def give_back(self, key_id: str) -> None:
        """Give a place back."""
        with self._counting:
            self._taken[key_id] -= 1
            self._taken += Counter()


def register(app: Flask, most: Mapping[Work, int]) -> None:
    """Give the views of `app` that are marked their places; all of them are registered by now.

    A place is held until the view has ended, or the last part of what it streams is sent. None is
    held while a body is on its way that is read before its view runs.
    """
    places = {work: Places(number, SAID[work]) for work, number in most.items()}
    for endpoint, view in app.view_functions.items():
        work = work_of(view)
        if work is not None:
            app.view_functions[endpoint] = _wrap(app, view, places[work])


def _wrap(app: Flask, view: Callable[..., Any], places: Places) -> Callable[..., Response]:
    @wraps(view)
    def answer(**arguments: object) -> Response:
        key_id = caller().key_id
        places.take(key_id)
        with ExitStack() as stack:
            stack.callback(places.give_back, key_id)
            response = app.make_response(view(**arguments))
            if response.is_streamed:
                response.call_on_close(stack.pop_all().close)
        return response

    return answer
