"""Answers on their way to clients that do not read."""

import socket
from collections.abc import Iterator

import pytest

from campaign_api.serving import answer as answer_module
from campaign_api.serving.answer import Answer, Outgoing

PIECE = b"x" * 1_000_000


class Response:
    """Frames nothing, as gunicorn's Response does with a known length."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self.is_closed = False

    def write(self, piece: bytes) -> None:
        self._outgoing.sendall(piece)

    def close(self) -> None:
        self.is_closed = True


class Pieces:
    """An application's pieces, which knows how many were asked for, and that it was closed."""

    def __init__(self, most: int) -> None:
        self.made = 0
        self.is_closed = False
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._most):
            self.made += 1
            yield PIECE

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_nothing_is_produced_ahead_of_a_client_that_does_not_read(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    pieces, outgoing = Pieces(5), Outgoing(ours)
    response = Response(outgoing)
    answer = Answer(response, pieces, outgoing)  # type: ignore[arg-type]
    assert not answer.go_on()
    assert pieces.made == 1
    assert ours.gettimeout() == 5
    theirs.settimeout(5)
    received, is_sent = 0, False
    while received < 5 * len(PIECE):
        received += len(theirs.recv(65_536))
        is_sent = is_sent or answer.go_on()
        assert len(outgoing) <= len(PIECE)
    assert answer.go_on()
    assert (pieces.made, received, response.is_closed) == (5, 5 * len(PIECE), True)


def test_an_answer_that_takes_long_lets_others_have_the_thread(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_module, "TURN", 0.0)
    outgoing = Outgoing(ends[0])
    answer = Answer(Response(outgoing), [b"", b"x"], outgoing)  # type: ignore[arg-type]
    assert not answer.go_on()
    assert not outgoing
    monkeypatch.setattr(answer_module, "TURN", 5.0)
    assert answer.go_on()
    assert ends[1].recv(10) == b"x"


def test_a_client_that_is_gone_is_noticed(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    pieces, outgoing = Pieces(5), Outgoing(ours)
    answer = Answer(Response(outgoing), pieces, outgoing)  # type: ignore[arg-type]
    assert not answer.go_on()
    theirs.close()
    with pytest.raises(OSError):  # noqa: PT011 - a reset or a broken pipe
        answer.go_on()
    answer.close()
    assert pieces.is_closed
