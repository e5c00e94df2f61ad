"""A relay between a gateway and a message centre, which adds messages of people on the way.

jsmpp's simulator sends a message of its own, always the same one, when a gateway binds, and can not
be told any other. A packet that the relay adds reaches the gateway on the session that the
simulator has accepted, among its packets; only the response to it does not go on to the simulator.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from queue import SimpleQueue

_HEADER = struct.Struct(">IIII")
"""Length, command, status and number of a packet (SMPP 3.4, 3.2)."""
_DELIVER_SM, _DELIVER_SM_RESP = 0x00000005, 0x80000005
_INTERNATIONAL, _ISDN = 1, 1
_FIRST_OF_OURS = 0x70000000
"""Packets with this number and higher ones are the relay's: the simulator counts from 1."""
_PATIENCE = 20


class SmppRelay:
    """Sessions of a gateway with the message centre at `target`; one at a time."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._numbers = count(_FIRST_OF_OURS)
        self._statuses: SimpleQueue[int] = SimpleQueue()
        self._gateway: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        self._writing = threading.Lock()

    def start(self) -> None:
        """Accept connections from now on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):  # wakes the thread that waits for it, on Linux
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def say(self, phone: str, recipient: str, text: str) -> None:
        """Have a person send a text to a number of ours, until the gateway has taken it."""
        assert self._gateway is not None, "the gateway has not connected"
        body = b"\0" + _address(phone) + _address(recipient)
        body += bytes(3) + b"\0\0" + bytes(4)  # without class, protocol, times, flags: plain text
        body += bytes((len(text),)) + text.encode("ascii")
        head = _HEADER.pack(_HEADER.size + len(body), _DELIVER_SM, 0, next(self._numbers))
        self._write(self._gateway, head + body)
        status = self._statuses.get(timeout=_PATIENCE)
        assert status == 0, f"the gateway refuses a message: status {status:#x}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                gateway, _ = self._listener.accept()
                centre = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [gateway, centre]
                self._gateway = gateway
                for source, drain in ((gateway, centre), (centre, gateway)):
                    threading.Thread(target=self._pump, args=(source, drain), daemon=True).start()

    def _pump(self, source: socket.socket, drain: socket.socket) -> None:
        with suppress(OSError):
            for packet in _packets(source):
                _, command, status, number = _HEADER.unpack_from(packet)
                if command == _DELIVER_SM_RESP and number >= _FIRST_OF_OURS:
                    self._statuses.put(status)
                else:
                    self._write(drain, packet)
        for end in (source, drain):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _write(self, drain: socket.socket, packet: bytes) -> None:
        with self._writing:
            drain.sendall(packet)


def _address(number: str) -> bytes:
    return bytes((_INTERNATIONAL, _ISDN)) + number.encode("ascii") + b"\0"


def _packets(source: socket.socket) -> Iterator[bytes]:
    with source.makefile("rb") as stream:
        while len(head := stream.read(_HEADER.size)) == _HEADER.size:
            (length, *_) = _HEADER.unpack(head)
            yield head + stream.read(length - _HEADER.size)


@contextmanager
def running_relay(target: int) -> Iterator[SmppRelay]:
    """Relay to the message centre at a port while the block runs."""
    relay = SmppRelay(target)
    relay.start()
    try:
        yield relay
    finally:
        relay.close()
