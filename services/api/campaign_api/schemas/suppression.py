"""Suppressions in requests and responses."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from campaign_api.schemas.fields import Integer, Moment, Text, length, whole
from campaign_api.schemas.phone import PhoneText, digits_of, region
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.suppressions.suppression_scope import (
    EVERYTHING,
    LONGEST_SCOPE,
    require_suppression_scope,
)
from campaign_common.errors import SuppressionScopeInvalid
from campaign_common.store.suppressions.listing import SuppressionFilter, SuppressionPosition
from campaign_common.store.suppressions.suppressions import (
    LONGEST_NOTE,
    LONGEST_REASON,
    LONGEST_SOURCE,
    Suppression,
)

REQUESTED = "request"
"""Reason of a suppression for which none is given."""

REASON_PATTERN = f"^[a-z0-9_]{{1,{LONGEST_REASON}}}$"

SCOPE_PATTERN = (
    r"^(\*|(provider|topic):[A-Za-z0-9][A-Za-z0-9_-]{0,31}|sender:[A-Za-z][A-Za-z0-9]{0,9})$"
)
"""The plainest scopes, as JSON Schema has them; `suppression_scope` reads more."""


class ScopeField(Text):
    """A scope: `*`, `provider:NAME`, `sender:ORIGINATOR` or `topic:NAME`."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {
            "pattern": SCOPE_PATTERN,
            "maxLength": LONGEST_SCOPE,
            "description": "*, provider:NAME, sender:ORIGINATOR or topic:NAME.",
        }
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: object, *others: object, **more: object) -> str:
        text = super()._deserialize(value, *others, **more)
        try:
            return require_suppression_scope(text)
        except SuppressionScopeInvalid as error:
            raise ValidationError(str(error)) from None


def reason(**options: Any) -> Text:  # noqa: ANN401 - marshmallow's options
    """Build a field for the reason of a suppression."""
    said = f"must have 1 to {LONGEST_REASON} lower-case letters, digits and _"
    return Text(
        validate=validate.Regexp(whole(REASON_PATTERN), error=said),
        metadata={"pattern": REASON_PATTERN},
        **options,
    )


def source(**options: Any) -> Text:  # noqa: ANN401 - marshmallow's options
    """Build a field for the source of a suppression."""
    return Text(validate=length(LONGEST_SOURCE), **options)


class SuppressionBody(Schema):
    """A suppression that is to be added, or to replace what is said of it."""

    phone = PhoneText(required=True)
    default_region = region()
    scope = ScopeField(load_default=EVERYTHING)
    reason = reason(load_default=REQUESTED)
    source = source(load_default="api")
    since = Moment(metadata={"description": "Time of the wish; now if left out."})
    until = Moment(
        allow_none=True, metadata={"description": "Time at which it is over, in the future."}
    )
    note = Text(allow_none=True, validate=length(LONGEST_NOTE))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Suppression:
        since, until = data.get("since"), data.get("until")
        now = datetime.now(UTC)
        if since is not None and since > now:
            raise ValidationError("must not lie in the future", "since")
        if until is not None and until <= now:
            raise ValidationError("must lie in the future", "until")
        return Suppression(
            digits_of(data["phone"], data.get("default_region")),
            data["scope"],
            data["reason"],
            data["source"],
            _naive(since),
            _naive(until),
            data.get("note"),
        )


class PersonParameters(Schema):
    """The region of a person's number."""

    default_region = region()


class RemovalParameters(PersonParameters):
    """The suppression that is to be removed."""

    scope = ScopeField(required=True)


class SuppressionFilterParameters(Schema):
    """The suppressions that are wanted."""

    scope = ScopeField()
    reason = reason()
    source = source()

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        names = SuppressionFilter._fields
        wanted = SuppressionFilter(**{name: data.pop(name, None) for name in names})
        return {**data, "wanted": wanted}


class SuppressionPageParameters(SuppressionFilterParameters, PageParameters):
    """A page of suppressions."""

    cursor = Cursor(str, str, load_default=SuppressionPosition())


class ImportParameters(PersonParameters):
    """Values of the columns that a file lacks, and the region of its numbers."""

    scope = ScopeField(load_default=EVERYTHING)
    reason = reason(load_default="import")
    source = source(load_default="import")


class SuppressionSchema(Schema):
    """A suppression."""

    phone = fields.String(required=True)
    scope = fields.String(required=True)
    reason = fields.String(required=True)
    source = fields.String(required=True)
    since = fields.String(required=True, metadata={"format": "date-time"})
    until = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    note = fields.String(required=True, allow_none=True)


class SuppressionPageSchema(Schema):
    """A page of suppressions, in the order of their numbers."""

    suppressions = fields.List(fields.Nested(SuppressionSchema), required=True)
    hashed = Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Suppressions of erased people, which have no number. On the first page"
            " alone; null on later ones."
        },
    )
    next_cursor = fields.String(required=True, allow_none=True)


class SuppressionChangeSchema(Schema):
    """A change of a person's suppressions."""

    id = Integer(required=True)
    scope = fields.String(required=True)
    is_added = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    actor = fields.String(required=True)
    changed_at = fields.String(required=True, metadata={"format": "date-time"})


class SuppressedPersonSchema(Schema):
    """The suppressions of a person, and all changes but those of imports."""

    phone = fields.String(required=True)
    suppressions = fields.List(fields.Nested(SuppressionSchema), required=True)
    changes = fields.List(fields.Nested(SuppressionChangeSchema), required=True)


class RejectedLineSchema(Schema):
    """A row that was not accepted."""

    line = Integer(required=True, allow_none=True)
    reason = fields.String(required=True)


class ImportedSchema(Schema):
    """An import of suppressions."""

    accepted = Integer(required=True)
    rejected = Integer(required=True)
    first_rejects = fields.List(fields.Nested(RejectedLineSchema), required=True)


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
