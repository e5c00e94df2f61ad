"""Presence of the client of a request: has it closed its connection?"""

import select
import socket
from collections.abc import Mapping
from typing import Any

SOCKET = "gunicorn.socket"
"""Key in the WSGI environment for the connection of a request."""

CLOSED_BY_PEER = getattr(select, "POLLRDHUP", 0)
"""Linux tells that the other end has closed while what it sent before is still unread."""


def is_gone(environ: Mapping[str, Any]) -> bool:
    """Return whether the client has closed its connection, as far as the system has heard.

    Where there is no POLLRDHUP this is seen only when all of what it sent was read.
    """
    connection = environ.get(SOCKET)
    if connection is None:
        return False
    try:
        poll = select.poll()
        poll.register(connection, CLOSED_BY_PEER)
        if poll.poll(0):
            return True
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
    except BlockingIOError:
        return False
    except (OSError, ValueError):  # it was closed here
        return True
