"""Transcoding of files to UTF-8 while they are read."""

import codecs
from collections.abc import Callable

from campaign_api.errors import CsvRefused

UNDECODABLE = "campaign-undecodable"
"""The error handler that marks bytes that cannot be decoded."""

_MARK = "\ud800"
"""Half of a surrogate pair: no text holds it, and its bytes are not UTF-8."""


def transcoded(read: Callable[[], bytes], encoding: str) -> Callable[[], bytes]:
    """Turn blocks of `encoding` into blocks of UTF-8.

    What cannot be decoded becomes bytes that are not UTF-8 either, so that its line, and no
    other, is found to be unreadable.

    The function that is returned raises CsvRefused for UTF-16 that does not say which of the
    two it is.
    """
    decoder = codecs.getincrementaldecoder(encoding)(UNDECODABLE)

    def read_next() -> bytes:
        while True:
            block = read()
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                raise CsvRefused(
                    "the file has no byte order mark; say utf-16-le or utf-16-be"
                ) from error
            if text or not block:
                return text.encode(errors="surrogatepass")

    return read_next


def _leave_mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _MARK, error.end


codecs.register_error(UNDECODABLE, _leave_mark)
