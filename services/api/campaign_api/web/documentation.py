"""The OpenAPI 3.1 document made from the routes' own schemas, at /openapi.json and /docs."""

from typing import Any

from flask import Flask, Response, jsonify
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint

from campaign_api.web.problems import MEDIA_TYPE

TITLE = "camp-mgr"
DOCUMENT_PATH = "/openapi.json"
PAGE_PATH = "/docs"

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Names the kind of problem; never changes."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "state": {"type": "string", "description": "Of a campaign that did not allow a verb."},
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
}


class Documentation(Api):  # type: ignore[misc]
    """Collects the routes; errors stay with `problems`."""

    def __init__(self, app: Flask, version: str) -> None:
        super().__init__(
            app,
            spec_kwargs={"title": TITLE, "version": version, "openapi_version": "3.1.0"},
        )
        self.spec.components.schema("Problem", PROBLEM_SCHEMA)
        self.spec.components.security_scheme(
            "key",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "`id.secret`, as made by `campaign-db key create`.",
            },
        )
        self.spec.options["security"] = [{"key": []}]
        app.add_url_rule(DOCUMENT_PATH, "openapi", self._document)
        app.register_blueprint(
            get_swaggerui_blueprint(PAGE_PATH, DOCUMENT_PATH, config={"app_name": TITLE})
        )

    def _document(self) -> Response:
        return jsonify(self.spec.to_dict())

    def _register_error_handlers(self) -> None:
        """Leave errors to `problems`."""

    def _register_responses(self) -> None:
        super()._register_responses()
        problem = {
            "description": "The request was refused or failed.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        self.spec.components.responses["DEFAULT_ERROR"] = problem
