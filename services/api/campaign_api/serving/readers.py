"""The connections whose clients have not read all of their answers yet."""

import time

from gunicorn.workers.gthread import TConn

MOST_WAITING = 64 * 2**20
"""Bytes of answers, in one process, that wait for clients to read them."""


class Readers:
    """Knows who reads too slowly; each has an `answer`, of which bytes are `outgoing`."""

    def __init__(self, silence: float) -> None:
        """Give everybody `silence` seconds to read some more."""
        self._silence = silence
        self._until: dict[TConn, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def note(self, conn: TConn) -> None:
        """Note a connection that begins to wait for its client, or whose client has read."""
        self._until[conn] = time.monotonic() + self._silence

    def remove(self, conn: TConn) -> None:
        """Forget a connection that waits no more."""
        del self._until[conn]

    def overdue(self, now: float) -> list[TConn]:
        """Return the connections whose clients should have read by `now` (monotonic)."""
        return [conn for conn, until in self._until.items() if until <= now]

    def slowest(self) -> TConn:
        """Return the connection whose client has read nothing for the longest time."""
        return min(self._until, key=self._until.__getitem__)

    def hold_too_much(self) -> bool:
        """Tell whether what they wait for takes more memory than it may; one may take any."""
        waiting = sum(len(conn.answer.outgoing) for conn in self._until)
        return len(self._until) > 1 and waiting > MOST_WAITING
