"""What a route declares of itself to the parts that all routes share: marks on its view.

Decorators that wrap a view by functools.wraps carry them on.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from campaign_common.api_key import Scope

View = TypeVar("View", bound=Callable[..., Any])

_SCOPE = "_scope_required"
_OPEN = "_open_to_all"
_IDEMPOTENT = "_idempotent"
_QUERY = "_reads_query"
_WORK = "_work"


class Repeats(StrEnum):
    """How a route takes an Idempotency-Key."""

    WHOLE = "whole"
    """Its body is read before the view runs, and belongs to the request's digest."""
    STREAMED = "streamed"
    """The view reads the body and hands in a digest of it at the end. Not stored, as below."""
    NOT_STORED = "not stored"
    """As WHOLE, but what it answers tells of a person, and is told again by the view."""


class Work(StrEnum):
    """A kind of work that takes long, and has places of its own; see `places`."""

    UPLOAD = "upload"
    CREATION = "creation"
    EXPORT = "export"
    DRY_RUN = "dry run"
    TEST_MESSAGE = "test message"


def requiring(scope: Scope) -> Callable[[View], View]:
    """Mark a view that needs another scope than its method says."""
    return _marking(_SCOPE, scope)


def open_to_all(view: View) -> View:
    """Mark a view that needs no key."""
    return _marking(_OPEN, value=True)(view)


def idempotent(repeats: Repeats) -> Callable[[View], View]:
    """Mark a view that takes an Idempotency-Key."""
    return _marking(_IDEMPOTENT, repeats)


def reading_query(view: View) -> View:
    """Mark a view that reads query parameters."""
    return _marking(_QUERY, value=True)(view)


def working(work: Work) -> Callable[[View], View]:
    """Mark a view that does work with places of its own."""
    return _marking(_WORK, work)


def scope_required(view: Callable[..., Any]) -> Scope | None:
    """Return the scope that a view declares."""
    return getattr(view, _SCOPE, None)


def is_open_to_all(view: Callable[..., Any]) -> bool:
    """Tell whether a view needs no key."""
    return getattr(view, _OPEN, False)


def reads_query(view: Callable[..., Any]) -> bool:
    """Tell whether a view reads query parameters."""
    return getattr(view, _QUERY, False)


def repeats_of(view: Callable[..., Any]) -> Repeats | None:
    """Return how a view takes an Idempotency-Key; None when it takes none."""
    return getattr(view, _IDEMPOTENT, None)


def work_of(view: Callable[..., Any]) -> Work | None:
    """Return the kind of work that a view declares."""
    return getattr(view, _WORK, None)


def _marking(name: str, value: object) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, name, value)
        return view

    return mark
