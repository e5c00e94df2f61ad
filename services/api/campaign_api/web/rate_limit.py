"""How many requests an API key may send a minute, counted by each process for itself."""

import time
from math import ceil

from flask import Flask, Response, g
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from campaign_api.refusals import TooMany
from campaign_api.web.caller import LOCAL, caller

WINDOW = 60
"""Seconds."""


class RateLimit:
    """Refuses what a key sends beyond its share; who needs no key is not counted."""

    def __init__(self, requests_per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._policy = f'"key";q={requests_per_minute};w={WINDOW}'

    def register(self, app: Flask) -> None:
        """Count every request of `app`; to be registered after authentication."""
        app.before_request(self._count)
        app.after_request(self._tell)

    def _count(self) -> None:
        key_id = caller().key_id
        if key_id == LOCAL.key_id:
            return
        admitted = self._limiter.hit(self._limit, key_id)
        window = self._limiter.get_window_stats(self._limit, key_id)
        g.rate_left = window.remaining
        g.rate_seconds = max(1, ceil(window.reset_time - time.time()))
        if not admitted:
            g.rate_exceeded = True
            raise TooMany(
                f"this key has sent {self._limit.amount} requests within a minute; slow down"
            )

    def _tell(self, response: Response) -> Response:
        """Say what is left (draft-ietf-httpapi-ratelimit-headers)."""
        if "rate_left" in g:
            response.headers["RateLimit-Policy"] = self._policy
            response.headers["RateLimit"] = f'"key";r={g.rate_left};t={g.rate_seconds}'
        if "rate_exceeded" in g:
            response.headers["Retry-After"] = str(g.rate_seconds)
        return response
