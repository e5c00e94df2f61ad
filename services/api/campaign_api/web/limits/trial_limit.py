"""Limit of what an API key sends by hand: test messages, and checks of providers."""

from campaign_api.errors import TooManyRequests
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.limits.sliding_window_limiter import SlidingWindowLimiter

WINDOW = 60.0
"""Seconds, in which a key has its share."""


class TrialLimit:
    """Share of each key in a minute, since these messages go to any number."""

    def __init__(self, per_minute: int) -> None:
        self._limiter = SlidingWindowLimiter(per_minute, WINDOW)

    def count(self) -> None:
        """Count the current request, unless an earlier one of its Idempotency-Key did its work.

        Raises:
            TooManyRequests: it exceeds the limit of its key.
        """
        if idempotent_request().carried_out:
            return
        decision = self._limiter.count(caller().key_id)
        if not decision.admitted:
            raise TooManyRequests(
                "this key has sent as many test messages and provider checks as it may within a"
                " minute; send the request again later",
                decision.seconds,
            )
