"""The file of an upload: the body itself, or a part of a multipart form."""

from collections.abc import Collection, Iterator
from typing import Protocol

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import (
    NEED_DATA,
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
)

from campaign_api.errors import InvalidField, RequestInvalid, UploadMalformed
from campaign_api.lists.importer.line_reader import BLOCK_BYTES
from campaign_api.lists.upload_body import UploadBody

LONGEST_LIST_NAME = 255
"""Characters."""

LONGEST_BOUNDARY = 70
"""Bytes (RFC 2046, section 5.1.1)."""

LONGEST_PART_HEADER = 64 * 1024
"""Bytes; the same holds for what precedes the first part and follows the last one."""

FILE_FIELD = "file"
NAME_FIELD = "name"

_FIELD_BYTES = 4 * LONGEST_LIST_NAME  # of a name in UTF-8


class UploadedFile(Protocol):
    """A file that is being sent, with the name that its list is to have."""

    name: str | None
    """As far as it is known yet."""

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes of the file, fewer at its end, and then none."""

    def finish(self) -> str:
        """Read what follows the file, and return the name."""


class PlainFile:
    """A file that is the whole body; its name is in the query."""

    def __init__(self, body: UploadBody, name: str | None) -> None:
        """Read the file from `body`.

        Raises:
            RequestInvalid: there is no name.
        """
        self._body = body
        self.name: str | None = _required(name)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the file; raise what the body raises."""
        return self._body.read(size)

    def finish(self) -> str:
        """Return the name."""
        return _required(self.name)


class FormFile:
    """The part `file` of a form; the field `name` may precede it or follow it."""

    def __init__(
        self,
        body: UploadBody,
        boundary: str | None,
        name: str | None,
        others: Collection[str] = (),
    ) -> None:
        """Read the form up to its file, which `others`, names of further fields, precede.

        Raises:
            UploadMalformed: the body is no multipart form with this boundary.
            RequestInvalid: there is no file, or a field that is unknown or wrong.
        """
        self._events = _events(body, boundary)
        self.name = name
        self.fields: dict[str, str] = {}
        """The fields of `others` that were given."""
        self._others = others
        self._rest = bytearray()
        self._in_file = False
        while not self._in_file:
            event = next(self._events)
            if isinstance(event, Epilogue):
                raise _wrong(FILE_FIELD, "is missing")
            self._take(event)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the file; raise what the constructor raises."""
        while self._in_file and len(self._rest) < size:
            event = next(self._events)
            if isinstance(event, Data):
                self._rest += event.data
                self._in_file = event.more_data
        block = bytes(self._rest[:size])
        del self._rest[:size]
        return block

    def finish(self) -> str:
        """Read the form to its end; raise what the constructor raises."""
        self._others = ()
        while not isinstance(event := next(self._events), Epilogue):
            if isinstance(event, File):
                raise _wrong(FILE_FIELD, "is given twice")
            self._take(event)
        return _required(self.name)

    def _take(self, event: Event) -> None:
        if isinstance(event, File | Field):
            _require_plain(event)
            if event.name == FILE_FIELD:
                # Without a file name too: what counts is which field it is.
                self._in_file = True
            elif event.name == NAME_FIELD and isinstance(event, Field):
                if self.name is not None:
                    raise _wrong(NAME_FIELD, "is given twice")
                self.name = _checked(self._field_value(NAME_FIELD))
            elif event.name in self._others and isinstance(event, Field):
                if event.name in self.fields:
                    raise _wrong(event.name, "is given twice")
                self.fields[event.name] = self._field_value(event.name)
            else:
                raise _wrong(str(event.name)[:64], "is not a field of this request")

    def _field_value(self, field: str) -> str:
        value = bytearray()
        for event in self._events:
            if isinstance(event, Data):
                value += event.data
                if len(value) > _FIELD_BYTES:
                    raise _wrong(field, f"must have 1 to {LONGEST_LIST_NAME} characters")
                if not event.more_data:
                    break
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise _wrong(field, "must be UTF-8") from error


def _events(body: UploadBody, boundary: str | None) -> Iterator[Event]:
    decoder = MultipartDecoder(_boundary(boundary), BLOCK_BYTES + LONGEST_PART_HEADER)
    event: Event = NEED_DATA
    while not isinstance(event, Epilogue):
        try:
            event = decoder.next_event()
            if event is NEED_DATA:
                decoder.receive_data(body.read(BLOCK_BYTES) or None)
                continue
        except RequestEntityTooLarge as error:
            raise UploadMalformed(
                f"more than {LONGEST_PART_HEADER} bytes stand before, between or after the parts"
            ) from error
        except ValueError as error:
            raise UploadMalformed("the body is not a complete multipart form") from error
        yield event


def _boundary(text: str | None) -> bytes:
    if not text or not text.isascii() or len(text) > LONGEST_BOUNDARY:
        raise UploadMalformed("Content-Type: multipart/form-data needs a boundary (RFC 2046)")
    return text.encode()


def _require_plain(part: File | Field) -> None:
    kind = part.headers.get("Content-Type", "").strip().lower()
    coding = part.headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    if kind.startswith("multipart/") or coding not in {"7bit", "8bit", "binary"}:
        raise UploadMalformed("a part must hold its content as it is: no parts, no encoding")


def _checked(name: str) -> str:
    if not 1 <= len(name) <= LONGEST_LIST_NAME:
        raise _wrong(NAME_FIELD, f"must have 1 to {LONGEST_LIST_NAME} characters")
    if "\0" in name:
        raise _wrong(NAME_FIELD, "must be Unicode text without NUL")
    return name


def _required(name: str | None) -> str:
    if name is None:
        raise _wrong(NAME_FIELD, "is missing")
    return name


def _wrong(field: str, message: str) -> RequestInvalid:
    return RequestInvalid([InvalidField(field, message)])
