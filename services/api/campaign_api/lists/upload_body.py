"""The body of an upload as it arrives, bounded in size."""

from gunicorn.http.errors import ParseException

from campaign_api.errors import UploadBroken, UploadStalled, UploadTooLarge
from campaign_api.lists.importer.line_reader import Readable


class UploadBody:
    """Body that is read from the socket, a block at a time."""

    def __init__(self, stream: Readable, announced: int | None, most: int) -> None:
        """Read `stream`, which must have `announced` bytes and may have `most`.

        Raises:
            UploadTooLarge: more is announced than may come.
        """
        self._stream = stream
        self._announced = announced
        self._most = most
        self._received = 0
        if announced is not None and announced > most:
            raise self._too_large()

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, fewer at the end, and then none.

        Raises:
            UploadStalled: nothing came for as long as may be.
            UploadBroken: the client is gone, or what it sends is not HTTP.
            UploadTooLarge: more came than may.
        """
        try:
            block = self._stream.read(size) or b""
        except TimeoutError as error:
            raise UploadStalled(
                "nothing more of the upload arrived, or too slowly; it was given up"
            ) from error
        except (OSError, ParseException) as error:
            raise UploadBroken("the upload ended in its middle; nothing of it is kept") from error
        self._received += len(block)
        if self._received > self._most:
            raise self._too_large()
        if not block and self._announced is not None and self._received < self._announced:
            raise UploadBroken(
                f"the upload ended after {self._received} of {self._announced} bytes;"
                " nothing of it is kept"
            )
        return block

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(f"the upload has more than {self._most} bytes")
