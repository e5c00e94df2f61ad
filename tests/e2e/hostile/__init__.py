"""Uploads that mean harm, or come from a program gone wrong, in families."""

from tests.e2e.hostile import contents, wrappings
from tests.e2e.hostile.upload import GOOD, MOST_BYTES, MOST_ROWS, Upload

__all__ = ["GOOD", "MOST_BYTES", "MOST_ROWS", "Upload", "all_uploads"]


def all_uploads() -> list[Upload]:
    families = (
        contents.broken_utf8,
        contents.encodings,
        contents.quotes,
        wrappings.compressed,
        wrappings.file_names,
        wrappings.list_names,
        contents.nuls,
        contents.columns,
        contents.lines,
        contents.endless,
        wrappings.forms,
        wrappings.framing,
        contents.phones,
        contents.values,
        wrappings.parameters,
    )
    return [upload for family in families for upload in family()]
