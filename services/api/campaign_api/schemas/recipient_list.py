"""Recipient lists: parameters of an upload, and lists in responses."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import Schema, fields, post_load, validate

from campaign_api.lists.importer.columns import Header
from campaign_api.lists.importer.csv_format import DELIMITERS, ENCODINGS, UTF_8, CsvFormat
from campaign_api.lists.upload_form import LONGEST_LIST_NAME
from campaign_api.schemas.fields import Text, length
from campaign_api.schemas.phone import PhoneNumber, region
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.store.recipients.recipient_lists import VISIBLE

LONGEST_COLUMN = 255


class UploadParameters(Schema):
    """The query of an upload."""

    name = Text(
        validate=length(LONGEST_LIST_NAME),
        metadata={"description": "Name of the list; a form may have it as a field instead."},
    )
    phone_column = Text(
        validate=length(LONGEST_COLUMN),
        metadata={"description": "Header column with the phone number."},
    )
    name_column = Text(
        validate=length(LONGEST_COLUMN),
        metadata={"description": "Header column with the name."},
    )
    delimiter = fields.String(
        validate=validate.OneOf(DELIMITERS), metadata={"description": "Delimiter of fields."}
    )
    encoding = fields.String(validate=validate.OneOf(ENCODINGS), load_default=UTF_8)
    default_region = region()

    reconsented = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={
            "description": "The erased people in the file have consented again, and are recipients"
            " of this list as all others; needs a key with the scope admin."
        },
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> "UploadRequest":
        values = dict(data)
        name, reconsented = values.pop("name", None), values.pop("reconsented")
        return UploadRequest(name, CsvFormat(**values), reconsented)


class UploadRequest(NamedTuple):
    """The query of an upload, as it is carried out."""

    name: str | None
    csv_format: CsvFormat
    reconsented: bool


class RecipientResponse(Schema):
    """One person of a list; `seq` numbers them within it, with gaps."""

    seq = fields.Integer(required=True)
    phone = fields.String(required=True)
    name = fields.String(required=True)
    attributes = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class RecipientListResponse(Schema):
    """A list: the row counts of its file, and its columns."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(sorted(VISIBLE)))
    rows = fields.Integer(
        required=True,
        metadata={"description": "Data rows of the file: accepted + duplicates + rejected."},
    )
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(
        required=True, metadata={"description": "Rows with the number of an earlier row."}
    )
    rejected = fields.Integer(required=True)
    header = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*Header, None]),
        metadata={
            "description": "Origin of the columns: the request, the first line, or"
            " none (name and phone). Null while importing, and for lists imported by 0.1.0."
        },
    )
    columns = fields.List(fields.String(), required=True)
    sha256 = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "SHA-256 of the file; null while importing."},
    )


class RecipientListDetail(RecipientListResponse):
    """A list and its first people, as they were read."""

    first_recipients = fields.List(
        fields.Nested(RecipientResponse),
        required=True,
        metadata={"description": "The first three recipients at most, without erased ones."},
    )


class ListPageParameters(PageParameters):
    """Page of lists."""

    cursor = Cursor(int)


class ListPage(Schema):
    """Page of lists, newest first."""

    recipient_lists = fields.List(fields.Nested(RecipientListResponse), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RecipientPageParameters(PageParameters):
    """Page of the people of a list, or one of them."""

    cursor = Cursor(int)
    phone = PhoneNumber()


class RecipientPage(Schema):
    """People of a list, in the order of its file."""

    recipients = fields.List(fields.Nested(RecipientResponse), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RejectedRow(Schema):
    """A data row that was not accepted; nothing of it is escaped."""

    line = fields.Integer(
        required=True, metadata={"description": "Line of the file at which the row begins."}
    )
    reason = fields.String(required=True)
    text = fields.String(
        required=True,
        metadata={"description": "The first 2,000 characters of the row; empty after an erasure."},
    )


class RejectPageParameters(PageParameters):
    """Page of the rejected rows of a list."""

    cursor = Cursor(int)


class RejectPage(Schema):
    """Rejected rows, in the order of the file."""

    rejects = fields.List(fields.Nested(RejectedRow), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
