"""The routes of one resource, with their documentation."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flask_smorest import Blueprint
from marshmallow import Schema

from campaign_api.web.request_reader import RequestReader

View = TypeVar("View", bound=Callable[..., Any])


class Decorator(Protocol):
    """Takes a view and returns one that is called alike."""

    def __call__(self, view: View, /) -> View:
        """Decorate `view`."""


class Resource(Blueprint):  # type: ignore[misc]
    """A flask-smorest blueprint that reads requests by this API's rules.

    What its decorators declare becomes the OpenAPI document, so that the document says what
    the code does. They are repeated here for their types.
    """

    ARGUMENTS_PARSER = RequestReader()

    def get(self, rule: str) -> Decorator:
        """Serve GET."""
        return self._serve(rule, "GET")

    def post(self, rule: str) -> Decorator:
        """Serve POST."""
        return self._serve(rule, "POST")

    def patch(self, rule: str) -> Decorator:
        """Serve PATCH."""
        return self._serve(rule, "PATCH")

    def delete(self, rule: str) -> Decorator:
        """Serve DELETE."""
        return self._serve(rule, "DELETE")

    def arguments(self, schema: type[Schema], **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Read body or parameters by `schema`, and hand the result on as first argument."""
        decorator: Decorator = super().arguments(schema, **options)
        return decorator

    def response(
        self,
        status: int,
        schema: type[Schema] | Schema | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Decorator:
        """Answer with `status`, and what the view returns written by `schema`."""
        decorator: Decorator = super().response(status, schema, **options)
        return decorator

    def alt_response(self, status: int, name: str | None = None, **options: Any) -> Decorator:  # noqa: ANN401
        """Document a further answer."""
        decorator: Decorator = super().alt_response(status, name, **options)
        return decorator

    def problems(self, *statuses: int) -> Decorator:
        """Document which statuses are answered with a problem document."""

        def decorate(view: View) -> View:
            for status in statuses:
                view = self.alt_response(status, "DEFAULT_ERROR")(view)
            return view

        return decorate

    def doc(self, **fields: Any) -> Decorator:  # noqa: ANN401
        """Add to the operation's documentation."""
        decorator: Decorator = super().doc(**fields)
        return decorator

    def _serve(self, rule: str, method: str) -> Decorator:
        decorator: Decorator = self.route(rule, methods=[method])
        return decorator
