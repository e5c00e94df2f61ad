"""JSON bodies: a tree of structures, whose leaves are values of the message."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from campaign_common.settings.fields.templates import JsonTemplate, TextTemplate
from campaign_providers.contract import OutboundMessage
from campaign_providers.http.requests.values import ATTRIBUTES, GetValue, Values

MakeJson = Callable[[OutboundMessage], Any]
"""Function that returns a value of JSON; UNSET: a leaf that the message has no value for."""

_encode = msgspec.json.Encoder().encode


def json_body(tree: JsonTemplate, values: Values) -> Callable[[OutboundMessage], bytes]:
    """Compile a tree."""
    if isinstance(tree, Mapping) and (flat := _flat(tree, values)) is not None:
        structure, get_all = flat
        return lambda message: _encode(structure(*get_all(message)))
    node = _node(tree, values)
    return lambda message: _encode(node(message))


def _node(tree: JsonTemplate, values: Values) -> MakeJson:
    match tree:
        case TextTemplate():
            return _text_node(tree, values)
        case Mapping():
            return _object_node(tree, values)
        case tuple():
            items = [(_node(item, values), _parts_needed(item)) for item in tree]
            return lambda message: _list(items, message)
    return lambda _: tree


def _object_node(tree: Mapping[str, JsonTemplate], values: Values) -> MakeJson:
    """Compile an object to a structure, which is encoded several times as fast as a dictionary."""
    flat = _flat(tree, values)
    if flat is not None:
        structure, get_all = flat
        return lambda message: structure(*get_all(message))
    structure = _structure(tree)
    nodes = [_node(below, values) for below in tree.values()]
    return lambda message: structure(*[node(message) for node in nodes])


def _structure(tree: Mapping[str, JsonTemplate]) -> Callable[..., Any]:
    fields = {f"field_{n}": name for n, name in enumerate(tree)}
    return msgspec.defstruct("JsonObject", list(fields), rename=fields, gc=False)


def _flat(
    tree: Mapping[str, JsonTemplate], values: Values
) -> tuple[Callable[..., Any], Callable[[OutboundMessage], tuple[Any, ...]]] | None:
    """Return the structure of an object of attributes alone, and one getter for all of them."""
    nodes = [_node(below, values) for below in tree.values() if isinstance(below, TextTemplate)]
    names = [name for node in nodes if (name := ATTRIBUTES.get(node)) is not None]
    if len(names) < 2 or len(names) < len(tree):
        return None
    return _structure(tree), attrgetter(*names)


def _list(items: Sequence[tuple[MakeJson, int]], message: OutboundMessage) -> list[Any]:
    made = [node(message) for node, parts in items if not parts or parts <= len(message.parts)]
    return [value for value in made if value is not msgspec.UNSET]


def _parts_needed(item: JsonTemplate) -> int:
    """Return how many parts a message has at least for which an item of a list stands."""
    leaves = item.values() if isinstance(item, Mapping) else (item,)
    alone = [leaf.alone for leaf in leaves if isinstance(leaf, TextTemplate)]
    return max((one.part + 1 for one in alone if one and one.part is not None), default=0)


def _text_node(text: TextTemplate, values: Values) -> MakeJson:
    pieces: list[str | GetValue] = [
        piece if isinstance(piece, str) else values.constant(piece) or values.function(piece)
        for piece in text.pieces
    ]
    literals = [piece for piece in pieces if isinstance(piece, str)]
    if len(literals) == len(pieces):
        constant = "".join(literals)
        return lambda _: constant
    if text.alone is None:
        if any(values.is_optional(placeholder) for placeholder in text.placeholders):
            return lambda message: "".join(_texts(pieces, message))
        return _formatted(pieces)
    function = values.function(text.alone)
    if not values.is_optional(text.alone):
        return function
    return lambda message: msgspec.UNSET if (value := function(message)) is None else value


def _formatted(pieces: Sequence[str | GetValue]) -> MakeJson:
    """Return a function that joins pieces, all of which have a value."""
    form = "".join(one.replace("%", "%%") if isinstance(one, str) else "%s" for one in pieces)
    functions = [piece for piece in pieces if not isinstance(piece, str)]
    if len(functions) == 1:
        (only,) = functions
        return lambda message: form % only(message)
    return lambda message: form % tuple([function(message) for function in functions])


def _texts(pieces: Sequence[str | GetValue], message: OutboundMessage) -> Iterator[str]:
    for piece in pieces:
        value = piece if isinstance(piece, str) else piece(message)
        yield "" if value is None else str(value)
