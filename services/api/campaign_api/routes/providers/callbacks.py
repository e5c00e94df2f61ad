"""Description of `/v1/callbacks/{provider}`, which `serving.callbacks` answers without a route."""

from typing import Any

PATH = "/v1/callbacks/{provider}"

_REFUSALS = {
    400: "The request is not valid HTTP.",
    401: "The provider proves itself by a password, which is missing or wrong.",
    403: "The callback does not prove that it comes from the provider.",
    404: "No provider of this name has callbacks.",
    405: "Neither GET nor POST.",
    408: "The body did not arrive within 5 seconds.",
    413: "The body has more than 262,144 bytes.",
    503: "The database is away, or too many callbacks of this provider are under way.",
}


def description() -> dict[str, Any]:
    """Return the path item of the OpenAPI document."""
    return {
        "parameters": [
            {
                "in": "path",
                "name": "provider",
                "required": True,
                "description": "Name of a provider below `Providers` that has `Callbacks`.",
                "schema": {"type": "string", "maxLength": 32, "pattern": "^[a-z0-9_-]+$"},
            }
        ],
        "get": _operation("Take a report that a gateway sends in the query of a URL."),
        "post": _operation("Take reports that a gateway sends in a body."),
    }


def _operation(summary: str) -> dict[str, Any]:
    return {
        "tags": ["callbacks"],
        "summary": summary,
        "description": (
            "For gateways, which need no key: each proves itself as `Callbacks.Verify` of the"
            " provider says. 200 means that the receipts are stored. What is not understood is"
            " counted and is a 200 too."
        ),
        "security": [],
        "responses": {
            "200": {"description": "The answer that the gateway expects, often empty."},
            **{
                str(status): {
                    "description": meaning,
                    "content": {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"}
                        }
                    },
                }
                for status, meaning in _REFUSALS.items()
            },
        },
    }
