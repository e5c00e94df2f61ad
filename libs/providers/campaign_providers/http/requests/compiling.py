"""Compiled texts: literals and the functions that make what stands between them."""

from collections.abc import Callable, Iterable

from campaign_common.settings.fields.templates import Placeholder, TextTemplate
from campaign_providers.contract import OutboundMessage
from campaign_providers.http.requests.values import GetValue, Values

SAFE = frozenset({"key", "reference"})
"""Placeholders whose values are made here, of letters, digits, - and _: nothing escapes them."""

Escape = Callable[[str | int], bytes]
GetBytes = Callable[[OutboundMessage], bytes]
Piece = bytes | GetBytes


class CompiledText:
    """Bytes with functions of the message in some places; made once, rendered for each message."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = tuple(pieces)
        self._format, self._functions = format_of(self.pieces)
        self._only = self._functions[0] if len(self._functions) == 1 else None

    def render(self, message: OutboundMessage) -> bytes:
        """Return the bytes for one message.

        Raises:
            Unsendable: a value has no form in its place.
        """
        if self._only is not None:
            return self._format % self._only(message)
        return self._format % tuple([function(message) for function in self._functions])


def format_of(pieces: Iterable[Piece]) -> tuple[bytes, list[GetBytes]]:
    """Return a format for the operator %, and the functions whose bytes it takes.

    Only what is written here is read as a format, never a value that is put into it.
    """
    literals = b""
    functions: list[GetBytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            literals += piece.replace(b"%", b"%%")
        else:
            literals += b"%b"
            functions.append(piece)
    return literals, functions


def pieces_of(text: TextTemplate, values: Values, escape: Escape, literal: Escape) -> list[Piece]:
    """Compile a text: its values escaped one way, its literals another."""
    return [
        literal(piece) if isinstance(piece, str) else piece_of(piece, values, escape)
        for piece in text.pieces
    ]


def piece_of(placeholder: Placeholder, values: Values, escape: Escape) -> Piece:
    """Compile a placeholder; where a message has no value, nothing stands."""
    constant = values.constant(placeholder)
    if constant is not None:
        return escape(constant)
    get = values.function(placeholder)
    return _encoded(get) if placeholder.name in SAFE else _escaped(get, escape)


def _encoded(get: GetValue) -> GetBytes:
    return lambda message: str(get(message)).encode()


def _escaped(get: GetValue, escape: Escape) -> GetBytes:
    def get_bytes(message: OutboundMessage) -> bytes:
        value = get(message)
        return b"" if value is None else escape(value)

    return get_bytes
