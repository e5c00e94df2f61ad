"""Fields of requests about callbacks: there where the provider has callback URLs, else left out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import (
    CALLBACK_URL,
    CALLBACKS,
    OF_CALLBACKS,
    JsonTemplate,
    Placeholder,
    TextTemplate,
    UrlTemplate,
    placeholders_of,
)
from campaign_providers.http.requests.escaping import in_url, in_xml

REFERENCE = Placeholder("reference")

SettingsT = TypeVar("SettingsT", bound=HttpRequestSettings)


def with_callback_urls(settings: SettingsT, before: str) -> SettingsT:
    """Return the settings with callback URLs in place of their placeholders.

    `before`: the part of the URL in front of the reference. It is escaped here, once.
    """
    if not _concerned(settings):
        return settings
    body = settings.body
    escaped = in_url(before).decode()
    return replace(
        settings,
        url=replace(
            settings.url,
            query=tuple((name, text and _text(text, escaped)) for name, text in settings.url.query),
        ),
        body=replace(
            body,
            json=_tree(body.json, before),
            form=_texts(body.form, before),
            query=_texts(body.query, before),
            xml=body.xml and _text(body.xml, in_xml(before).decode()),
        ),
    )


def without_callback_urls(settings: SettingsT) -> SettingsT:
    """Return the settings without the fields that need a callback URL, as if they were not given.

    An object or a list of JSON that consists of such fields alone goes with them. In XML the
    placeholder stands for nothing.
    """
    if not _concerned(settings):
        return settings
    body = settings.body
    json = None if _is_left_out(body.json) else _pruned(body.json)
    return replace(
        settings,
        url=_url_without(settings.url),
        body=replace(
            body,
            json=json,
            form=_texts_without(body.form),
            query=_texts_without(body.query),
            xml=body.xml and _text(body.xml, ""),
        ),
    )


def _concerned(settings: HttpRequestSettings) -> bool:
    return any(placeholder.name in OF_CALLBACKS for placeholder in settings.placeholders())


def _text(text: TextTemplate, before: str) -> TextTemplate:
    """Return a text with its callback URLs; without `before` they stand for nothing."""
    url: tuple[str | Placeholder, ...] = (before, REFERENCE) if before else ()
    pieces: list[str | Placeholder] = []
    for piece in text.pieces:
        match piece:
            case Placeholder(name=name) if name == CALLBACK_URL:
                pieces += url
            case Placeholder(name=name) if name == CALLBACKS:
                pass
            case _:
                pieces.append(piece)
    return TextTemplate(tuple(_joined(pieces)))


def _joined(pieces: list[str | Placeholder]) -> Iterator[str | Placeholder]:
    """Yield pieces with the literals that follow each other in one."""
    literal = ""
    for piece in pieces:
        if isinstance(piece, str):
            literal += piece
            continue
        if literal:
            yield literal
        literal = ""
        yield piece
    if literal:
        yield literal


def _texts(texts: Mapping[str, TextTemplate], before: str) -> Mapping[str, TextTemplate]:
    return MappingProxyType({name: _text(text, before) for name, text in texts.items()})


def _tree(tree: JsonTemplate, before: str) -> JsonTemplate:
    match tree:
        case TextTemplate():
            return _text(tree, before)
        case Mapping():
            return MappingProxyType({name: _tree(below, before) for name, below in tree.items()})
        case tuple():
            return tuple(_tree(item, before) for item in tree)
    return tree


def _needs_url(text: TextTemplate) -> bool:
    return any(placeholder.name in OF_CALLBACKS for placeholder in text.placeholders)


def _url_without(url: UrlTemplate) -> UrlTemplate:
    query = (pair for pair in url.query if pair[1] is None or not _needs_url(pair[1]))
    return replace(url, query=tuple(query))


def _texts_without(texts: Mapping[str, TextTemplate]) -> Mapping[str, TextTemplate]:
    return MappingProxyType({n: text for n, text in texts.items() if not _needs_url(text)})


def _is_left_out(tree: JsonTemplate) -> bool:
    """Return whether a text needs a callback URL, or an object or a list consists of such texts."""
    match tree:
        case TextTemplate():
            return _needs_url(tree)
        case Mapping():
            return bool(tree) and all(map(_is_left_out, tree.values()))
        case tuple():
            return bool(tree) and all(map(_is_left_out, tree))
    return False


def _pruned(tree: JsonTemplate) -> JsonTemplate:
    if not any(placeholder.name in OF_CALLBACKS for placeholder in placeholders_of(tree)):
        return tree
    match tree:
        case Mapping():
            kept = {name: below for name, below in tree.items() if not _is_left_out(below)}
            return MappingProxyType({name: _pruned(below) for name, below in kept.items()})
        case tuple():
            return tuple(_pruned(item) for item in tree if not _is_left_out(item))
    return tree
