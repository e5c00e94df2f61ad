"""Pages by keyset: an opaque cursor says after which row the next page begins."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Response, current_app, jsonify, request, url_for
from marshmallow import Schema, ValidationError, fields, validate

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1_000

LARGEST_NUMBER = 2**63

NOT_A_CURSOR = "is not a cursor that this resource gave out"

Key = tuple[int | str, ...]
"""The values of the last row by which the rows are ordered."""


class Page(NamedTuple):
    """Rows as they go out, and the key of the last one when more may follow."""

    items: Sequence[Any]
    next_key: Key | None


class Cursor(fields.Field[Key]):
    """A cursor that an earlier page gave out: base64url of the JSON of a key."""

    def __init__(self, *kinds: type, **more: Any) -> None:  # noqa: ANN401 - marshmallow's options
        self._kinds = kinds
        super().__init__(
            metadata={"type": "string", "description": "`next_cursor` of the previous page."},
            **more,
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> Key:
        key = _decoded(value)
        if len(key) != len(self._kinds) or not all(map(_is_of_kind, key, self._kinds)):
            raise ValidationError(NOT_A_CURSOR)
        return key


def _default_limit() -> int:
    return min(DEFAULT_LIMIT, int(current_app.config["MAX_PAGE_SIZE"]))


def _as_configured(limit: int) -> None:
    most = int(current_app.config["MAX_PAGE_SIZE"])
    if limit > most:
        raise ValidationError(f"must be an integer from 1 to {most}")


class _Limit(fields.Integer):
    """A few digits only; Python would accept 1_0 and others too."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if not (isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value)):
            raise self.make_error("invalid")
        return int(value)


class PageParameters(Schema):
    """Cursor and limit; a resource adds its filters and the types of its keys.

    The document has the largest limit that can be configured.
    """

    limit = _Limit(
        load_default=_default_limit,
        metadata={"default": DEFAULT_LIMIT},
        validate=[
            validate.Range(1, LARGEST_LIMIT, error=f"must be an integer from 1 to {LARGEST_LIMIT}"),
            _as_configured,
        ],
        error_messages={"invalid": f"must be an integer from 1 to {LARGEST_LIMIT}"},
    )


def page_response(name: str, page: Page, **more: object) -> Response:
    """Return a response `{name: [...], next_cursor}`, with a Link to the next page (RFC 8288).

    `more` are fields besides these.
    """
    cursor = None if page.next_key is None else encode(page.next_key)
    response = jsonify({name: list(page.items), **more, "next_cursor": cursor})
    if cursor is not None:
        arguments: dict[str, Any] = {**request.args.to_dict(), "cursor": cursor}
        target = url_for(str(request.endpoint), **(request.view_args or {}), **arguments)
        response.headers["Link"] = f'<{target}>; rel="next"'
    return response


def encode(key: Key) -> str:
    """Write a key as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _is_of_kind(part: object, kind: type) -> bool:
    # A number that no column can hold comes from no row.
    return isinstance(part, kind) and (not isinstance(part, int) or 0 <= part < LARGEST_NUMBER)


def _decoded(value: object) -> Key:
    try:
        raw = base64.b64decode(f"{value}===", altchars=b"-_", validate=False)
        key = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ValidationError(NOT_A_CURSOR) from error
    return tuple(key) if isinstance(key, list) else ()
