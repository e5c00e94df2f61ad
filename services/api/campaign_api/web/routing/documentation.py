"""The OpenAPI 3.1 document made from the routes' own schemas, at /openapi.json and /docs."""

from collections.abc import Iterator
from http import HTTPStatus
from threading import Lock
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug import Response as WerkzeugResponse

from campaign_api.errors import MAX_NAMED_FIELDS
from campaign_api.web.http.problems import MEDIA_TYPE
from campaign_api.web.routing.operation_ids import name_operations
from campaign_api.web.routing.resource import ORIGINAL_ERROR, Resource
from campaign_api.web.routing.view_metadata import open_to_all

TITLE = "camp-mgr"
LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
CONTACT = {"name": "The maintainers of camp-mgr"}
"""As `maintainers` in pyproject.toml: a test compares them."""

DOCUMENT_PATH = "/openapi.json"
DOCUMENT_ENDPOINT = "openapi"
PAGE_PATH = "/docs"
SLICE = 65_536
"""Bytes of a file that are handed on at a time."""
PAGE_BLUEPRINT = "documentation_page"

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Type of the problem; stable."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Cause of the problem, and its remedy."},
        "errors": {
            "type": "array",
            "maxItems": MAX_NAMED_FIELDS,
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "errors_omitted": {
            "type": "integer",
            "minimum": 1,
            "description": "Further fields that are wrong, beyond those in `errors`.",
        },
        "state": {
            "type": "string",
            "description": "State of the campaign, which does not allow the action.",
        },
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
}

ORIGINAL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "msg"],
    "properties": {"code": {"type": "integer", "const": -1}, "msg": {"type": "string"}},
}


@open_to_all
def _page() -> WerkzeugResponse:
    """Redirect to the page by a relative path, which also works behind a proxy."""
    return redirect(f"{PAGE_PATH}/", HTTPStatus.PERMANENT_REDIRECT)


class FilesInMemory:
    """The few files of the page, read once: a client that reads slowly holds none of them open."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def answer(self, response: Response) -> Response:
        """Serve a response that is a whole file from memory that all requests share."""
        if not response.direct_passthrough or response.status_code != HTTPStatus.OK:
            return response
        content = self._contents.get(request.path)
        if content is None:
            response.direct_passthrough = False
            content = self._contents[request.path] = response.get_data()
        close = getattr(response.response, "close", None)
        if close is not None:
            close()
        response.direct_passthrough = False
        response.response = _slices(content)
        response.content_length = len(content)
        return response


def _slices(content: bytes) -> Iterator[bytes]:
    return (content[start : start + SLICE] for start in range(0, len(content), SLICE))


class Documentation(Api):  # type: ignore[misc]
    """Collection of the routes; errors stay with `problems`.

    The document is made when it is first asked for: that takes as long as all the rest of the
    application, and most processes are never asked.
    """

    def __init__(self, app: Flask, version: str) -> None:
        self._app: Flask = app
        self._undocumented: list[Resource] = []
        self._documenting = Lock()
        super().__init__(
            app,
            spec_kwargs={"title": TITLE, "version": version, "openapi_version": "3.1.0"},
        )
        self._without_route: dict[str, Any] = {}
        self.spec.components.schema("Problem", PROBLEM_SCHEMA)
        self.spec.components.security_scheme(
            "key",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "`id.secret`, as created by `campaign-db key create`.",
            },
        )
        self.spec.options["security"] = [{"key": []}]
        self.spec.options["servers"] = [{"url": "/", "description": "Where this document is."}]
        self.spec.options["info"] = {"license": LICENSE, "contact": CONTACT}
        app.add_url_rule(DOCUMENT_PATH, DOCUMENT_ENDPOINT, self._document)
        app.add_url_rule(PAGE_PATH, view_func=_page)
        page = get_swaggerui_blueprint(
            PAGE_PATH,
            DOCUMENT_PATH,
            # The page loads nothing from elsewhere, not even a validity badge.
            config={"app_name": TITLE, "validatorUrl": None},
            blueprint_name=PAGE_BLUEPRINT,
        )
        page.after_request(FilesInMemory().answer)
        app.register_blueprint(page)

    def describe(self, path: str, operations: dict[str, Any]) -> None:
        """Add a path that is answered without a route."""
        self._without_route[path] = operations

    def register_blueprint(self, resource: Resource) -> None:
        """Serve the routes of a resource."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][resource.name] = self
        self._app.register_blueprint(resource)
        self._undocumented.append(resource)

    def _document(self) -> Response:
        with self._documenting:
            while self._undocumented:
                self._describe(self._undocumented[0])
                del self._undocumented[0]
            document = self.spec.to_dict()
            document["paths"].update(self._without_route)
            name_operations(document["paths"])
            return jsonify(document)

    def _describe(self, resource: Resource) -> None:
        """Add the routes of a resource to the document, as flask-smorest does."""
        resource.register_views_in_doc(
            self, self._app, self.spec, name=resource.name, parameters=None
        )
        self.spec.tag({"name": resource.name, "description": resource.description})

    def _register_error_handlers(self) -> None:
        """Leave errors to `problems`."""

    def _register_responses(self) -> None:
        super()._register_responses()
        problem = {
            "description": "The request was refused or failed.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        # flask-smorest has put its own form of an error under these names.
        for name in ("DEFAULT_ERROR", *(status.name for status in HTTPStatus if status >= 400)):
            self.spec.components.responses_lazy[name] = problem
        self.spec.components.responses[ORIGINAL_ERROR] = {
            "description": "The request was refused or failed, in the original system's format.",
            "content": {"application/json": {"schema": ORIGINAL_SCHEMA}},
        }
