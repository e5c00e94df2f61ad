"""The behaviour of the clients of a flood, as plain values, and the outcome."""

import msgspec


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The behaviour of some clients, each over a connection of its own."""

    clients: int
    first: bytes = b""
    """Bytes sent once, immediately."""
    rest: bytes = b""
    """Bytes sent repeatedly afterwards."""
    pause: float = 0.0
    """Seconds between two of `rest`, and between two reads of a slow reader."""
    on_beat: bool = False
    """All clients send `rest`, or connect again, at the same moments, a `pause` apart."""
    times: int | None = None
    """Number of times that `rest` is sent; None: until the flood ends."""
    reads: int | None = None
    """Bytes read at a time, once a `pause`; 0: nothing is read; None: all at once."""
    half_closes: bool = False
    """Shuts its sending direction down when everything is sent."""
    resets: bool = False
    """Resets the connection when everything is sent."""
    again: bool = False
    """Connects again when the server has ended the connection."""
    receive_buffer: int | None = None
    """Receive buffer in bytes; None: the system's default."""


class Outcome(msgspec.Struct):
    """The connections of a flood, and the first answer on each."""

    connected: int = 0
    refused: int = 0
    """Connections that were not accepted."""
    ended: int = 0
    """Connections that the server ended."""
    sent: int = 0
    """Bytes that were sent."""
    answers: dict[int, int] = {}
    """Connections by the status of their first answer."""
    broken: int = 0
    """Successful answers that ended before their last chunk."""
    processor: float = 0.0
    """Processor seconds that the flood has used."""
