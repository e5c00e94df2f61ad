"""Values that many viewers ask for at once: each is read once a second, and by one of them."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_KEPT = 1_000


class _Seen(NamedTuple, Generic[V]):
    value: V
    at: float


class _Slot(Generic[V]):
    def __init__(self) -> None:
        self.reading = threading.Lock()
        self.last: _Seen[V] | None = None


class Latest(Generic[K, V]):
    """Values by key, each as of at most `kept` seconds ago; thread-safe."""

    def __init__(
        self,
        read: Callable[[K], V],
        kept: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._kept = kept
        self._clock = clock
        self._slots: dict[K, _Slot[V]] = {}
        self._changing = threading.Lock()

    def get(self, key: K) -> V:
        """Return a value; who asks while another one reads it waits for that."""
        with self._changing:
            if len(self._slots) >= MOST_KEPT and key not in self._slots:
                self._slots.clear()
            slot = self._slots.setdefault(key, _Slot())
        with slot.reading:
            now = self._clock()
            if slot.last is None or now - slot.last.at >= self._kept:
                slot.last = None
                slot.last = _Seen(self._read(key), now)
            return slot.last.value

    def forget(self, key: K) -> None:
        """Read a value again the next time, since it was changed."""
        with self._changing:
            self._slots.pop(key, None)
