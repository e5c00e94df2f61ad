"""Rate limit of an API key in requests per minute, counted by each process separately."""

from math import ceil

from flask import Flask, Response, g

from campaign_api.errors import TooManyRequests
from campaign_api.web.caller import LOCAL, caller
from campaign_api.web.limits.sliding_window_limiter import SlidingWindowLimiter

WINDOW = 60
"""Seconds."""


class RateLimit:
    """Limit of the requests of each key; clients without a key are not counted."""

    def __init__(self, requests_per_minute: int) -> None:
        self._most = requests_per_minute
        self._limiter = SlidingWindowLimiter(requests_per_minute, WINDOW)
        self._policy = f'"key";q={requests_per_minute};w={WINDOW}'

    def register(self, app: Flask) -> None:
        """Count every request of `app`; to be registered after authentication."""
        app.before_request(self._count)
        app.after_request(self._tell)

    def _count(self) -> None:
        key_id = caller().key_id
        if key_id == LOCAL.key_id:
            return
        g.limit_decision = decision = self._limiter.count(key_id)
        if not decision.admitted:
            raise TooManyRequests(
                f"this key has sent {self._most} requests within a minute; slow down"
            )

    def _tell(self, response: Response) -> Response:
        """Add the headers of draft-ietf-httpapi-ratelimit-headers."""
        if "limit_decision" in g:
            seconds = max(1, ceil(g.limit_decision.seconds))
            response.headers["RateLimit-Policy"] = self._policy
            response.headers["RateLimit"] = f'"key";r={g.limit_decision.left};t={seconds}'
            if not g.limit_decision.admitted:
                response.headers["Retry-After"] = str(seconds)
        return response
