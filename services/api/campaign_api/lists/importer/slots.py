"""Slots for the imports that one process runs at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from campaign_api.errors import TooManyRequests

PATIENCE = 2.0
"""Seconds that a file at hand waits for a slot: most files take less than that."""

SMALL = 65_536
"""Bytes of a file at hand that takes no slot: it is read and written in one go."""


def is_small(size: int) -> bool:
    """Return whether a file of `size` bytes is imported at once, without a slot or a lock."""
    return size <= SMALL


class ImportSlots:
    """Room for `most` imports, of which uploads get three quarters.

    An upload takes as long as its client likes, a file at hand does not: however many slow
    uploads there are, they leave room for POST /v1/camp/create. A single slot serves both.
    """

    def __init__(self, most: int, patience: float = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._all = BoundedSemaphore(most)
        self._uploads = BoundedSemaphore(max(1, most * 3 // 4))

    @contextmanager
    def file(self, size: int) -> Iterator[None]:
        """Reserve a slot for a local file of `size` bytes; waits for one for a moment.

        Raises:
            TooManyRequests: there was none.
        """
        if is_small(size):
            yield
            return
        with self._held(self._all, self._patience):
            yield

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Reserve a slot for an upload.

        Raises:
            TooManyRequests: there is none at the moment.
        """
        with self._held(self._uploads, 0.0), self._held(self._all, 0.0):
            yield

    @contextmanager
    def _held(self, room: BoundedSemaphore, seconds: float) -> Iterator[None]:
        if not room.acquire(timeout=seconds):
            raise TooManyRequests(
                f"this process is at work on as many imports as MaxImports ({self._most})"
                " allows; send the request again later"
            )
        try:
            yield
        finally:
            room.release()
