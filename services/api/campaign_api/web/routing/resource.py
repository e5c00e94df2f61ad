"""Routes of one resource, with their documentation."""

from typing import Any, Protocol

from flask_smorest import Blueprint
from marshmallow import Schema

from campaign_api.web.http.problems import ORIGINAL_PREFIX
from campaign_api.web.http.request_reader import RequestReader
from campaign_api.web.routing import view_metadata
from campaign_api.web.routing.view_metadata import IdempotencyMode, LimitedWork, View
from campaign_common.domain.api_key import Scope

ORIGINAL_ERROR = "ORIGINAL_ERROR"
"""The component that describes refusals in the original system's form."""

IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": (
        "Chosen by the client for one operation. A request that is repeated with the same key"
        " within 24 hours is executed once, and gets the same response."
    ),
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}


class Decorator(Protocol):
    """Decorator of a view, which is called alike."""

    def __call__(self, view: View, /) -> View:
        """Decorate `view`."""


class Resource(Blueprint):  # type: ignore[misc]
    """A flask-smorest blueprint that reads requests by this API's rules.

    What its decorators declare becomes the OpenAPI document, so that the document says what
    the code does. They are repeated here for their types.
    """

    ARGUMENTS_PARSER = RequestReader()

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - flask-smorest's own
        super().__init__(*arguments, **options)
        self._prepare_doc_cbks += [self._prepare_common_answers, self._prepare_parameters]

    def get(self, rule: str, **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Serve GET."""
        return self._serve(rule, "GET", options)

    def post(self, rule: str, **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Serve POST."""
        return self._serve(rule, "POST", options)

    def put(self, rule: str, **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Serve PUT."""
        return self._serve(rule, "PUT", options)

    def patch(self, rule: str, **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Serve PATCH."""
        return self._serve(rule, "PATCH", options)

    def delete(self, rule: str, **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Serve DELETE."""
        return self._serve(rule, "DELETE", options)

    def arguments(self, schema: type[Schema], **options: Any) -> Decorator:  # noqa: ANN401 - flask-smorest's own
        """Read body or parameters by `schema`, and hand the result on as first argument."""
        decorator: Decorator = super().arguments(schema, **options)
        if options.get("location") != "query":
            return decorator
        return lambda view: view_metadata.with_query(decorator(view))

    def response(
        self,
        status: int,
        schema: type[Schema] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Decorator:
        """Respond with `status`, and the view's result serialised by `schema`."""
        decorator: Decorator = super().response(status, schema, **options)
        return decorator

    def alt_response(self, status: int, name: str | None = None, **options: Any) -> Decorator:  # noqa: ANN401
        """Document a further response."""
        decorator: Decorator = super().alt_response(status, name, **options)
        return decorator

    def problems(self, *statuses: int) -> Decorator:
        """Document the statuses that are answered with a problem document."""

        def decorate(view: View) -> View:
            for status in statuses:
                view = self.alt_response(status, "DEFAULT_ERROR")(view)
            return view

        return decorate

    def doc(self, **fields: Any) -> Decorator:  # noqa: ANN401
        """Add to the operation's documentation."""
        decorator: Decorator = super().doc(**fields)
        return decorator

    def requires(self, scope: Scope) -> Decorator:
        """Need `scope` where the method alone would need another one."""
        return view_metadata.requires_scope(scope)

    def limit_concurrency(self, work: LimitedWork) -> Decorator:
        """Limit the requests at a time of a kind of work; see `concurrency_limit`."""
        return view_metadata.limited(work)

    def open_to_all(self, view: View) -> View:
        """Need no key."""
        return view_metadata.open_to_all(self.doc(security=[])(view))

    def idempotent(self, view: View) -> View:
        """Carry a request out once for each Idempotency-Key; see `web.idempotency`."""
        return self._with_idempotency_key(IdempotencyMode.WHOLE, view)

    def idempotent_stream(self, view: View) -> View:
        """Do the same for a view that reads the body as a stream."""
        return self._with_idempotency_key(IdempotencyMode.STREAMED, view)

    def idempotent_unstored(self, view: View) -> View:
        """Do the same without storing the response, which contains personal data."""
        return self._with_idempotency_key(IdempotencyMode.NOT_STORED, view)

    @staticmethod
    def _make_doc_response_schema(schema: Any) -> Any:  # noqa: ANN401 - flask-smorest's own
        """Document the class of a schema: each further decorator would copy an instance."""
        return type(schema) if isinstance(schema, Schema) else schema

    def _with_idempotency_key(self, mode: IdempotencyMode, view: View) -> View:
        documented = self.doc(parameters=[IDEMPOTENCY_KEY])(self.problems(409, 422)(view))
        return view_metadata.idempotent(mode)(documented)

    def _prepare_common_answers(
        self,
        doc: dict[str, Any],
        doc_info: dict[str, Any],
        **_: object,
    ) -> dict[str, Any]:
        """Document the responses that every operation may give before its view runs."""
        responses = doc.setdefault("responses", {})
        refused = "DEFAULT_ERROR"
        if f"{self.url_prefix}/" == ORIGINAL_PREFIX:
            responses["default"] = refused = ORIGINAL_ERROR
        if doc_info.get("manual_doc", {}).get("security") != []:
            for status in (401, 403, 422, 429):
                responses.setdefault(status, refused)
        return doc

    def _prepare_parameters(
        self,
        doc: dict[str, Any],
        doc_info: dict[str, Any],
        **_: object,
    ) -> dict[str, Any]:
        """Document parameters that are declared by hand beside those of a schema.

        flask-smorest would document the former in place of the latter.
        """
        declared = doc_info.get("manual_doc", {}).pop("parameters", [])
        if declared:
            doc["parameters"] = [*doc.get("parameters", []), *declared]
        return doc

    def _serve(self, rule: str, method: str, options: dict[str, Any]) -> Decorator:
        decorator: Decorator = self.route(rule, methods=[method], **options)
        return decorator
