"""How many requests an API key may send a minute, counted by each process for itself."""

from math import ceil

from flask import Flask, Response, g

from campaign_api.errors import TooMany
from campaign_api.web.caller import LOCAL, caller
from campaign_api.web.limits.sliding_window_limiter import RequestCounts

WINDOW = 60
"""Seconds."""


class RateLimit:
    """Refuses what a key sends beyond its share; who needs no key is not counted."""

    def __init__(self, requests_per_minute: int) -> None:
        self._most = requests_per_minute
        self._counts = RequestCounts(requests_per_minute, WINDOW)
        self._policy = f'"key";q={requests_per_minute};w={WINDOW}'

    def register(self, app: Flask) -> None:
        """Count every request of `app`; to be registered after authentication."""
        app.before_request(self._count)
        app.after_request(self._tell)

    def _count(self) -> None:
        key_id = caller().key_id
        if key_id == LOCAL.key_id:
            return
        g.admission = admission = self._counts.count(key_id)
        if not admission.admitted:
            raise TooMany(f"this key has sent {self._most} requests within a minute; slow down")

    def _tell(self, response: Response) -> Response:
        """Say what is left (draft-ietf-httpapi-ratelimit-headers)."""
        if "admission" in g:
            seconds = max(1, ceil(g.admission.seconds))
            response.headers["RateLimit-Policy"] = self._policy
            response.headers["RateLimit"] = f'"key";r={g.admission.left};t={seconds}'
            if not g.admission.admitted:
                response.headers["Retry-After"] = str(seconds)
        return response
