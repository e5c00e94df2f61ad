"""A message centre that speaks SMPP: jsmpp's simulator, and the segments that it was handed.

The simulator's log shows every packet that it received, in hex: what a gateway in front of it made
of a message is read from there, byte by byte.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from campaign_common.domain.sms_segments import DEFAULT_ALPHABET, EXTENSION
from local_stack.distributions import maven
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.process import ChildProcess, Command
from local_stack.servers.java import find_java

SYSTEM_ID = "camp"
PASSWORD = "smsc-pw"

VERSION = "3.0.2"
PROFILE = f"jsmpp-{VERSION}"
_SIMULATOR = "org.jsmpp.examples.SMPPServerSimulator"
_LISTENING = b"Listening on port"
_START_SECONDS = 60
_LOGGER = "org.slf4j.simpleLogger"
_JVM = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"),
    *(f"-D{_LOGGER}.defaultLogLevel=warn", f"-D{_LOGGER}.log.org.jsmpp=warn"),
    f"-D{_LOGGER}.log.org.jsmpp.session.PDUProcessServerTask=debug",
    f"-D{_LOGGER}.log.{_SIMULATOR}=info",
)

_SUBMIT_SM = re.compile(rb"Received PDU ([0-9a-f]{8}00000004[0-9a-f]+)$", re.MULTILINE)
_HEADER = 16
_HAS_HEADER_OF_ITS_OWN = 0x40
_CONCATENATED = bytes((0x05, 0x00, 0x03))
_UCS2 = 8

_ESCAPE = 0x1B
_ALPHABET = f"{DEFAULT_ALPHABET[:_ESCAPE]}\x1b{DEFAULT_ALPHABET[_ESCAPE:]}"
_ESCAPED = dict(zip(bytes.fromhex("0a14 2829 2f3c 3d3e 4065"), EXTENSION, strict=True))


class Segment(NamedTuple):
    """A segment as the message centre received it: one submit_sm of SMPP 3.4."""

    sender: str
    phone: str
    coding: int
    """data_coding: 0 is the GSM alphabet, 8 is UCS-2."""
    reference: int | None
    """Of the message that it is a part of; None for a message in one segment."""
    number: int
    """1 for the first segment of a message."""
    content: bytes

    @classmethod
    def decode(cls, packet: bytes) -> "Segment":
        """Read a whole submit_sm, header included."""
        fields = _Fields(packet[_HEADER:])
        fields.text()  # service_type
        fields.skip(2)  # type and numbering plan of the source
        sender = fields.text()
        fields.skip(2)
        phone = fields.text()
        esm_class = fields.number()
        fields.skip(2)  # protocol_id, priority_flag
        fields.text()  # schedule_delivery_time
        fields.text()  # validity_period
        fields.skip(2)  # registered_delivery, replace_if_present_flag
        coding = fields.number()
        fields.skip(1)  # sm_default_msg_id
        content = fields.bytes(fields.number())
        reference, number = None, 1
        if esm_class & _HAS_HEADER_OF_ITS_OWN:
            header, content = content[: content[0] + 1], content[content[0] + 1 :]
            assert header.startswith(_CONCATENATED), header.hex()
            reference, number = header[3], header[5]
        return cls(sender, phone, coding, reference, number, content)


class ReceivedMessage(NamedTuple):
    """A message put together from its segments."""

    sender: str
    phone: str
    text: str
    segments: int


class _Fields:
    """A reader of SMPP's fields, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def text(self) -> str:
        end = self._content.index(0, self._at)
        start, self._at = self._at, end + 1
        return self._content[start:end].decode("ascii")

    def number(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def skip(self, count: int) -> None:
        self._at += count

    def bytes(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        return self._content[start : self._at]


class MessageCentre:
    """One running simulator."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def segments(self) -> list[Segment]:
        """Return every segment so far, in the order of arrival."""
        packets = _SUBMIT_SM.findall(self._log.read_bytes())
        return [Segment.decode(bytes.fromhex(packet.decode("ascii"))) for packet in packets]

    def messages(self) -> list[ReceivedMessage]:
        """Return every message of which each segment so far belongs to, in any order."""
        of_a_message: dict[tuple[object, ...], list[Segment]] = defaultdict(list)
        for n, segment in enumerate(self.segments()):
            apart = n if segment.reference is None else None
            of_a_message[segment.phone, segment.reference, apart].append(segment)
        return [_together(segments) for segments in of_a_message.values()]


def _together(segments: list[Segment]) -> ReceivedMessage:
    ordered = sorted(segments, key=lambda segment: segment.number)
    content = b"".join(segment.content for segment in ordered)
    first = ordered[0]
    text = content.decode("utf-16-be") if first.coding == _UCS2 else from_gsm7(content)
    return ReceivedMessage(first.sender, first.phone, text, len(ordered))


def from_gsm7(content: bytes) -> str:
    """Read text of the GSM alphabet (3GPP TS 23.038), one octet a character."""
    octets = iter(content)
    return "".join(
        _ESCAPED[next(octets)] if octet == _ESCAPE else _ALPHABET[octet] for octet in octets
    )


@contextmanager
def running_message_centre(cache: Cache, folder: Path) -> Iterator[MessageCentre]:
    """Run the simulator while the block runs.

    Raises:
        ProgramMissingError: Java or Maven is not installed.
        DownloadError: it could not be fetched.
    """
    jars = cache.provide(PROFILE, lambda part: maven.fetch(PROFILE, part))
    port = free_port()
    log = folder / "smsc.log"
    arguments = [
        *(find_java(), *_JVM, f"-Djsmpp.simulator.port={port}"),
        *(f"-Djsmpp.client.systemId={SYSTEM_ID}", f"-Djsmpp.client.password={PASSWORD}"),
        *("-cp", f"{jars}/*", _SIMULATOR),
    ]
    process = ChildProcess(Command("smsc", arguments, log, folder))
    try:
        # A connection to see whether it listens would be waited for: it serves one after the other
        # until each is bound, or 30 s have passed.
        process.wait_until(lambda: _LISTENING in log.read_bytes(), _START_SECONDS)
        yield MessageCentre(port, log)
    finally:
        process.stop()
