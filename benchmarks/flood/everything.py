"""All floods at once, with or without keys, as a scenario and a test use them."""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.flood.requests import (
    ALMOST_A_BODY,
    announced,
    chunked,
    filled,
    head,
    upload,
)
from benchmarks.flood.script import Script
from campaign_common.domain.api_key import ApiKey

TRICKLE = 0.045
"""Seconds between two bytes."""

BEAT = 0.5

SMALL = 4_096
"""Receive buffer in bytes of a client that does not read."""

LINE = b"Ann,13961467500\n"

GIGABYTE = 10**9


class Aims(NamedTuple):
    """The targets of a flood's requests; they exist for a flood with keys."""

    campaign: int
    """Campaign whose messages are exported."""
    rejects: int
    """List with megabytes of rejects."""
    reader: ApiKey | None = None
    writer: ApiKey | None = None


def everything(aims: Aims) -> tuple[Script, ...]:
    """Make the scripts of about 1,300 clients."""
    return (*_connections(aims), *_bodies(aims), *_readers(aims), *_uploads(aims))


def _connections(aims: Aims) -> Iterator[Script]:
    health = head("GET /healthz")
    half = announced("/v1/campaigns", ALMOST_A_BODY, aims.reader)[:60]
    yield Script(clients=400, rest=b"G", pause=BEAT, on_beat=True, again=True)
    yield Script(clients=200, first=half, again=True)
    yield Script(clients=100, first=half, rest=b"A", pause=TRICKLE, again=True)
    yield Script(clients=100, first=health, half_closes=True, again=True)
    yield Script(clients=50, first=health, resets=True, again=True)


def _bodies(aims: Aims) -> Iterator[Script]:
    preview = f"/v1/campaigns/{aims.campaign}/preview"
    slow = announced(preview, 200_000, aims.reader)
    yield Script(clients=80, first=slow, rest=b" ", pause=TRICKLE, again=True)
    whole = announced("/v1/camp/create", ALMOST_A_BODY, aims.reader)
    yield Script(clients=100, first=whole, rest=b" " * (ALMOST_A_BODY - 1), times=1, again=True)
    for begin, rest in (
        (b"", b"1\r\n \r\n"),
        (b"1;", b"a"),
        (b"0\r\n", b"A: b\r\n"),
    ):
        first = chunked(preview, aims.reader) + begin
        yield Script(clients=8, first=first, rest=filled(rest), pause=TRICKLE, again=True)


def _readers(aims: Aims) -> Iterator[Script]:
    pages = head("GET /docs/swagger-ui-bundle.js") * 10
    yield Script(clients=50, rest=pages, pause=1.0, reads=0, receive_buffer=SMALL, again=True)
    rejects = head(f"GET /v1/recipient-lists/{aims.rejects}/rejects.csv", key=aims.reader)
    yield Script(clients=100, first=rejects, reads=0, receive_buffer=SMALL, again=True)
    export = f"GET /v1/campaigns/{aims.campaign}/messages.csv"
    yield Script(clients=50, first=head(export, "Connection: close", key=aims.reader), again=True)


def _uploads(aims: Aims) -> Iterator[Script]:
    for key in (aims.reader, aims.writer):
        first = upload(GIGABYTE, key) + b"name,phone\n"
        yield Script(clients=50, first=first, rest=LINE, pause=TRICKLE, again=True)
