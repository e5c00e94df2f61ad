"""Description of what `serving.callbacks` answers without a route."""

from collections.abc import Iterator
from typing import Any

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

_PROOF = (
    "For gateways, which need no key: each proves itself as `Callbacks.Verify` of the provider"
    " says."
)


def descriptions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the paths, with their path items of the OpenAPI document."""
    yield (
        "/v1/callbacks/{provider}",
        _path_item(
            "Take a report that a gateway sends in the query of a URL.",
            "Take reports that a gateway sends in a body.",
            "200 means that the receipts are stored.",
        ),
    )
    yield (
        "/v1/inbound/{provider}",
        _path_item(
            "Take a message of a person that a gateway sends in the query of a URL.",
            "Take messages of persons that a gateway sends in a body.",
            "200 means that the messages are stored, each once, however often it is sent.",
        ),
    )


def _path_item(get: str, post: str, meaning: str) -> dict[str, Any]:
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
        "get": _operation(get, meaning),
        "post": _operation(post, meaning),
    }


def _operation(summary: str, meaning: str) -> dict[str, Any]:
    return {
        "tags": ["callbacks"],
        "summary": summary,
        "description": f"{_PROOF} {meaning} What is not understood is counted and is a 200 too.",
        "security": [],
        "responses": {
            "200": {"description": "The answer that the gateway expects, often empty."},
            **{
                str(status): {
                    "description": cause,
                    "content": {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"}
                        }
                    },
                }
                for status, cause in _REFUSALS.items()
            },
        },
    }
