"""Room for work that holds a thread while it waits: never all of them, for others are served on."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from campaign_api.refusals import TooMany


class Room:
    """Lets `most` requests in at a time, and refuses the next one instead of having it wait."""

    def __init__(self, most: int, of_what: str) -> None:
        """`of_what` is what is at work, in the plural, as a refusal says it."""
        self._said = (
            f"this process is at work on as many {of_what} as it may be ({most}); send the request"
            " again later"
        )
        self._free = BoundedSemaphore(most)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take the room of one request.

        Raises:
            TooMany: there is none at the moment.
        """
        if not self._free.acquire(blocking=False):
            raise TooMany(self._said)
        try:
            yield
        finally:
            self._free.release()
