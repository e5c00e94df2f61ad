"""The connections of one process: how many there are, what they hold, and which of them yields."""

import time
from contextlib import suppress
from enum import IntEnum
from typing import Protocol

from gevent import Greenlet

MOST_OF_HEADERS = 2 * 2**20
"""Bytes, in one process, of headers that are not complete."""

MOST_WAITING = 8 * 2**20
"""Bytes, in one process, of bodies that arrive and of answers that are not read."""


class Phase(IntEnum):
    """Activity of a connection; of those that may yield, the first ones do so first."""

    LEAVING = 0
    WAITING = 1
    """A header is not complete, or has not begun."""
    BODY = 2
    SENDING = 3
    """The client has not read all of its answer."""
    WORKING = 4
    """A thread works on its request, or will; such a connection does not yield."""


class NoRoom(Exception):
    """There is no connection left that could yield, or no memory."""


class CountedConnection(Protocol):
    """Connection as it is counted here."""

    phase: Phase
    since: float
    """The monotonic time at which the phase began, in seconds."""
    held: int
    """Bytes in memory that it counts for."""
    yields: bool
    beginning: bytes
    greenlet: Greenlet


class Connections:
    """All connections of a process; to be used by the greenlets of one thread."""

    def __init__(self, most: int, most_waiting: int = MOST_WAITING) -> None:
        """Make room for `most` connections and `most_waiting` bytes."""
        self._most = most
        self._most_waiting = most_waiting
        self._waiting = 0
        self._yielding = 0
        """Bytes of those that wait, of connections that are being ended."""
        self._headers: dict[CountedConnection, int] = {}
        self._header_bytes = 0
        self._phases: dict[Phase, dict[CountedConnection, None]] = {phase: {} for phase in Phase}

    def __len__(self) -> int:
        return sum(map(len, self._phases.values()))

    def add(self, connection: CountedConnection) -> None:
        """Take a connection in; where there is no room, another one yields.

        Raises:
            NoRoom: all of them are being worked on.
        """
        if len(self) >= self._most:
            self._end_one(Phase.SENDING)
        self._phases[connection.phase][connection] = None

    def take_back(self, connection: CountedConnection) -> None:
        """Take a connection in that was here before; where there is no room, another one yields."""
        with suppress(NoRoom):
            self.add(connection)
        self._phases[connection.phase][connection] = None

    def move(self, connection: CountedConnection, phase: Phase) -> None:
        """Note what a connection does now; it is the youngest of those that do the same."""
        self._release_header(connection)
        if self._phases[connection.phase].pop(connection, connection) is None:
            connection.phase, connection.since = phase, time.monotonic()
            self._phases[phase][connection] = None

    def remove(self, connection: CountedConnection) -> None:
        """Forget a connection."""
        self._phases[connection.phase].pop(connection, None)
        self._release_header(connection)
        self.release(connection)

    def hold_header(self, connection: CountedConnection, size: int) -> bool:
        """Count bytes of an incomplete header; returns whether others are being ended.

        Where they are too many, the largest header yields, of equal ones the oldest.
        """
        self._headers[connection] = self._headers.get(connection, 0) + size
        self._header_bytes += size
        ended = False
        while self._header_bytes > MOST_OF_HEADERS:
            self._end(max(self._headers, key=self._headers.__getitem__))
            ended = True
        return ended

    def make_room(self, connection: CountedConnection, size: int) -> bool:
        """Return whether `connection` may hold `size` more bytes in memory.

        Where they would be too many, the reader or the body that has held the most for longest
        yields. There is room when those that yield have let go of what they hold.

        Raises:
            NoRoom: none can yield, or it is this one.
        """
        while (staying := self._waiting - self._yielding) and staying + size > self._most_waiting:
            slow = [*self._phases[Phase.BODY], *self._phases[Phase.SENDING]]
            now = time.monotonic()
            slowest = max(slow, key=lambda each: each.held * (now - each.since), default=connection)
            if slowest is connection:
                raise NoRoom
            self._end(slowest)
        return not self._yielding or self._waiting + size <= self._most_waiting

    def hold(self, connection: CountedConnection, size: int) -> None:
        """Count bytes that a connection keeps in memory."""
        self._waiting += size
        if connection.yields:
            # What it waited for may wake it before it is ended.
            self._yielding += size
        connection.held += size

    def release(self, connection: CountedConnection) -> None:
        """Count what a connection held as gone."""
        self._waiting -= connection.held
        if connection.yields:
            self._yielding -= connection.held
        connection.held = 0

    def end_idle(self) -> None:
        """End the connections that have no request under way."""
        for connection in list(self._phases[Phase.WAITING]):
            if not connection.beginning:
                self._end(connection)

    def _release_header(self, connection: CountedConnection) -> None:
        self._header_bytes -= self._headers.pop(connection, 0)

    def _end_one(self, last: Phase) -> None:
        for phase in Phase:
            if phase <= last and self._phases[phase]:
                self._end(next(iter(self._phases[phase])))
                return
        raise NoRoom

    def _end(self, connection: CountedConnection) -> None:
        self._phases[connection.phase].pop(connection, None)
        self._release_header(connection)
        self._yielding += connection.held
        connection.yields = True
        connection.greenlet.kill(block=False)
