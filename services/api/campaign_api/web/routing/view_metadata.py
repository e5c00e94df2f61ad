"""Metadata of routes, stored as attributes of the view functions.

functools.wraps copies them to a wrapped view.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from campaign_common.domain.api_key import Scope

View = TypeVar("View", bound=Callable[..., Any])

_SCOPE = "_scope_required"
_OPEN = "_open_to_all"
_PAGE = "_page"
_IDEMPOTENT = "_idempotent"
_QUERY = "_reads_query"
_WORK = "_work"
_DEBUG = "_logged_at_debug"


class IdempotencyMode(StrEnum):
    """Handling of an Idempotency-Key by a route."""

    WHOLE = "whole"
    """The body is read before the view runs, and is part of the request's digest."""
    STREAMED = "streamed"
    """The view reads the body and adds its digest at the end; the response is not stored."""
    NOT_STORED = "not stored"
    """As WHOLE, but the response contains personal data: it is not stored but built again."""
    FORM = "form"
    """The key is a field of a form, and only redirections are stored."""
    FORM_NOT_STORED = "form, not stored"
    """As FORM, but the page that it gets has a secret: it is not stored but built again."""
    STREAMED_FORM = "streamed form"
    """As STREAMED, for a form with a file: the key is in the query of what it is posted to."""

    @property
    def is_streamed(self) -> bool:
        """Return whether the view reads the body itself."""
        return self in (IdempotencyMode.STREAMED, IdempotencyMode.STREAMED_FORM)

    @property
    def is_of_a_form(self) -> bool:
        """Return whether the key comes with a form, of which a browser sees the last answer."""
        return self in FORMS


FORMS = frozenset(
    {IdempotencyMode.FORM, IdempotencyMode.FORM_NOT_STORED, IdempotencyMode.STREAMED_FORM}
)


class LimitedWork(StrEnum):
    """A kind of work that takes long and has a limit of its own; see `concurrency_limit`."""

    UPLOAD = "upload"
    CREATION = "creation"
    EXPORT = "export"
    DRY_RUN = "dry run"
    TEST_MESSAGE = "test message"
    SIGN_IN = "sign-in"


def requires_scope(scope: Scope) -> Callable[[View], View]:
    """Mark a view that needs another scope than its method implies."""
    return _marking(_SCOPE, scope)


def open_to_all(view: View) -> View:
    """Mark a view that needs no API key."""
    return _marking(_OPEN, value=True)(view)


def page(view: View) -> View:
    """Mark a view that is for people: the dashboard tells by their session who they are."""
    return _marking(_PAGE, value=True)(view)


def idempotent(mode: IdempotencyMode) -> Callable[[View], View]:
    """Mark a view that accepts an Idempotency-Key."""
    return _marking(_IDEMPOTENT, mode)


def with_query(view: View) -> View:
    """Mark a view that reads query parameters."""
    return _marking(_QUERY, value=True)(view)


def limited(work: LimitedWork) -> Callable[[View], View]:
    """Mark a view whose requests at a time are limited."""
    return _marking(_WORK, work)


def logged_at_debug(view: View) -> View:
    """Mark a view that open pages ask every second, of which no log has a line each time."""
    return _marking(_DEBUG, value=True)(view)


def is_logged_at_debug(view: Callable[..., Any]) -> bool:
    """Return whether requests of a view are logged at the debug level, unless they fail."""
    return getattr(view, _DEBUG, False)


def scope_required(view: Callable[..., Any]) -> Scope | None:
    """Return the scope that a view declares."""
    return getattr(view, _SCOPE, None)


def is_open_to_all(view: Callable[..., Any]) -> bool:
    """Return whether a view needs no API key."""
    return getattr(view, _OPEN, False)


def is_page(view: Callable[..., Any]) -> bool:
    """Return whether a view is for people, who have a session."""
    return getattr(view, _PAGE, False)


def reads_query(view: Callable[..., Any]) -> bool:
    """Return whether a view reads query parameters."""
    return getattr(view, _QUERY, False)


def idempotency_mode_of(view: Callable[..., Any]) -> IdempotencyMode | None:
    """Return how a view handles an Idempotency-Key; None if it does not accept one."""
    return getattr(view, _IDEMPOTENT, None)


def limited_work_of(view: Callable[..., Any]) -> LimitedWork | None:
    """Return the kind of limited work that a view does, if any."""
    return getattr(view, _WORK, None)


def _marking(name: str, value: object) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, name, value)
        return view

    return mark
