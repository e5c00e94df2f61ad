"""Rate limit of an API key, or of a session, in requests per minute, counted by each process."""

from math import ceil

from flask import Flask, Response, g

from campaign_api.errors import TooManyRequests
from campaign_api.web.caller import LOCAL, caller
from campaign_api.web.limits.sliding_window_limiter import SlidingWindowLimiter

WINDOW = 60
"""Seconds."""


class RateLimit:
    """Limit of the requests of each key, and of each session of a person at the pages.

    Clients without a key are not counted. A session has its own count: people may share a key, and
    their pages ask for news.
    """

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
        if key_id != LOCAL.key_id:
            self._count_one(key_id, "key")

    def count_session(self, session: str) -> None:
        """Count the current request of a session.

        Raises:
            TooManyRequests: it exceeds the limit.
        """
        self._count_one(session, "session")

    def _count_one(self, client: str, kind: str) -> None:
        g.limit_decision = decision = self._limiter.count(f"{kind} {client}")
        if not decision.admitted:
            raise TooManyRequests(
                f"this {kind} has sent {self._most} requests within a minute; slow down"
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
