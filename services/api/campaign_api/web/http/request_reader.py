"""Reader of bodies and parameters: strict JSON, and an error that names every wrong field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import flask
from marshmallow import RAISE, Schema, ValidationError
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.errors import InvalidField, RequestInvalid, RequestMalformed

LONGEST_FIELD_NAME = 64
"""Characters of a field's name that are repeated to the client."""


class RequestReader(FlaskParser):
    """webargs parser that refuses unknown fields, duplicates and conversions."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - webargs' type
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": RAISE,
        "query": RAISE,
    }

    def load_json(self, req: flask.Request, schema: Schema) -> Any:  # noqa: ANN401, ARG002 - webargs' signature
        """Read the body as JSON; an absent one counts as an empty object.

        Raises:
            UnsupportedMediaType: there is a body, and it is not called JSON.
            RequestMalformed: it is not JSON, or an object in it has a field twice.
        """
        body = req.get_data()
        if not body:
            return missing
        if not req.is_json:
            raise UnsupportedMediaType("the body must be JSON: send Content-Type: application/json")
        return parse_json(body)

    def load_querystring(self, req: flask.Request, schema: Schema) -> Any:  # noqa: ANN401 - webargs' own
        """Read the query, in which each parameter may occur once.

        Raises:
            RequestInvalid: one is given twice.
        """
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            raise RequestInvalid(
                [InvalidField(name[:LONGEST_FIELD_NAME], "is given twice") for name in twice]
            )
        return super().load_querystring(req, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: flask.Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        """Raise what `problems` answers with 422.

        Raises:
            RequestInvalid: always.
        """
        del req, schema, error_status_code, error_headers
        messages: dict[str, object] = error.messages_dict
        # webargs files the messages under the location they were found in.
        wrong = [found for where in messages.values() for found in invalid_fields(where)]
        raise RequestInvalid(wrong) from error


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse JSON that says each thing once.

    Raises:
        RequestMalformed: it is not JSON, or an object in it has a field twice.
    """
    try:
        return json.loads(body, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestMalformed(f"the body is not valid JSON: {_first_line(error)}") from error


def invalid_fields(messages: object, above: str = "") -> Iterator[InvalidField]:
    """Flatten marshmallow's messages; a field's path is joined with dots."""
    if isinstance(messages, dict):
        for name, below in messages.items():
            step = str(name)[:LONGEST_FIELD_NAME]
            path = f"{above}.{step}" if above else step
            yield from invalid_fields(below, "" if path == "_schema" else path)
    elif isinstance(messages, list):
        yield InvalidField(above, reworded(str(messages[0])))


def reworded(message: str) -> str:
    """Return one of marshmallow's own messages in the words of this API."""
    known = {
        "Missing data for required field.": "is missing",
        "Unknown field.": "is not a field of this request",
        "Field may not be null.": "must not be null",
    }
    return known.get(message, message)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field is given twice")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259)")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
