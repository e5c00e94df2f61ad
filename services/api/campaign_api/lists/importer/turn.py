"""Turn to compute, which the imports of a process share."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import TracebackType

from campaign_api.lists.importer.line_reader import Readable


class Turn:
    """Permit to compute, for one import at a time; a context manager.

    Python computes in one thread at a time anyway. With one import among the threads that want
    to, a short request waits for that one whenever it goes on, and not for all of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the turn to others while the caller, who has it, waits."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


class PatientFile:
    """A file that is waited for without a turn, by an import that has one."""

    def __init__(self, file: Readable, turn: Turn) -> None:
        self._file = file
        self._turn = turn

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes; none at the end."""
        with self._turn.left():
            return self._file.read(size)
