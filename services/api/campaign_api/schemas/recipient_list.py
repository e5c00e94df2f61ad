"""Recipient lists: parameters of an upload, and lists in responses."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, validate
from phonenumbers import SUPPORTED_REGIONS

from campaign_api.lists.importer.columns import Header
from campaign_api.lists.importer.csv_format import DELIMITERS, ENCODINGS, UTF_8, CsvFormat
from campaign_api.lists.upload_form import LONGEST_LIST_NAME
from campaign_api.schemas.fields import Text, length
from campaign_api.schemas.phone import PhoneNumber
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.store.recipients.recipient_lists import VISIBLE

LONGEST_COLUMN = 255


class UploadParameters(Schema):
    """The query of an upload."""

    name = Text(
        validate=length(LONGEST_LIST_NAME),
        metadata={"description": "Of the list; a form may have it as a field instead."},
    )
    phone_column = Text(
        validate=length(LONGEST_COLUMN),
        metadata={"description": "The column of the header that holds the number."},
    )
    name_column = Text(
        validate=length(LONGEST_COLUMN),
        metadata={"description": "The column of the header that holds the name."},
    )
    delimiter = fields.String(
        validate=validate.OneOf(DELIMITERS), metadata={"description": "Between two fields."}
    )
    encoding = fields.String(validate=validate.OneOf(ENCODINGS), load_default=UTF_8)
    default_region = fields.String(
        validate=validate.OneOf(sorted(SUPPORTED_REGIONS)),
        metadata={"description": "Where numbers without country code belong (ISO 3166-1)."},
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> tuple[str | None, CsvFormat]:
        values = dict(data)
        return values.pop("name", None), CsvFormat(**values)


class RecipientAnswer(Schema):
    """One person of a list; `seq` numbers them within it, with gaps."""

    seq = fields.Integer(required=True)
    phone = fields.String(required=True)
    name = fields.String(required=True)
    attributes = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class RecipientListAnswer(Schema):
    """A list: the row counts of its file, and its columns."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(sorted(VISIBLE)))
    rows = fields.Integer(required=True, metadata={"description": "Of the file; all that follow."})
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(
        required=True, metadata={"description": "Rows whose number an earlier row has."}
    )
    rejected = fields.Integer(required=True)
    header = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*Header, None]),
        metadata={
            "description": "Where the columns come from: named by the request, found in the first"
            " line, or none, so that they are name and phone. Null while importing, and of a list"
            " that an earlier version imported."
        },
    )
    columns = fields.List(fields.String(), required=True)
    sha256 = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of the file as it was sent; null while importing."},
    )


class DescribedListAnswer(RecipientListAnswer):
    """A list and its first people, as they were read."""

    first_recipients = fields.List(
        fields.Nested(RecipientAnswer),
        required=True,
        metadata={"description": "At most three; without those who were erased."},
    )


class ListPageParameters(PageParameters):
    """Page of lists."""

    cursor = Cursor(int)


class ListPage(Schema):
    """Lists, newest first."""

    recipient_lists = fields.List(fields.Nested(RecipientListAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RecipientPageParameters(PageParameters):
    """Page of the people of a list, or one of them."""

    cursor = Cursor(int)
    phone = PhoneNumber()


class RecipientPage(Schema):
    """People of a list, in the order of its file."""

    recipients = fields.List(fields.Nested(RecipientAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
