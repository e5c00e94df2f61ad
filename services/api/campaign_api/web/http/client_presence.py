"""Whether the client of a request still waits for its response."""

import socket
from collections.abc import Mapping
from typing import Any

SOCKET = "gunicorn.socket"
"""Key in the WSGI environment for the connection of a request."""


def is_gone(environ: Mapping[str, Any]) -> bool:
    """Return whether the client has closed its connection, as far as it has told."""
    connection = environ.get(SOCKET)
    if connection is None:
        return False
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
    except BlockingIOError:
        return False
    except OSError:
        return True
