"""What the API refuses; `web.problems` chooses the HTTP status of each."""

from collections.abc import Sequence
from typing import NamedTuple

from campaign_common.errors import CampaignError, RetryLater, UserError

MOST_NAMED = 20
"""Wrong fields of one request that its refusal names; of the others it says how many there are."""


class RequestMalformed(UserError):
    """The body is not a JSON object of the published fields."""


class WrongField(NamedTuple):
    """A field of a request, its path with dots, and what is wrong with it."""

    field: str
    said: str


class RequestInvalid(UserError):
    """Fields or parameters of a request are missing, unknown or wrong; names the first of them."""

    def __init__(self, wrong: Sequence[WrongField]) -> None:
        self.wrong = tuple(wrong[:MOST_NAMED])
        self.unnamed = len(wrong) - len(self.wrong)
        """Further fields that are wrong."""
        super().__init__(joined([f"{field}: {said}" for field, said in self.wrong], self.unnamed))


class TemplateRefused(RequestInvalid):
    """The template is malformed, or names a column that the recipient list has not."""


class PathRefused(UserError):
    """csv_file_path leads outside CsvRoot, or to something that is no readable file."""


class CsvRefused(UserError):
    """The file as a whole is no recipient list; single bad rows are stored rejects instead."""


class UploadMalformed(UserError):
    """The body of an upload is not what its Content-Type says."""


class UploadBroken(UserError):
    """The body of an upload ended before its end, or lost its framing."""


class UploadStalled(UserError):
    """Nothing of an upload arrived for as long as Timeout allows."""


class UploadTooLarge(UserError):
    """An upload has more bytes or rows than are allowed."""


class CampaignStarted(UserError):
    """The campaign has started, or is over, and a different request came for it."""


class NotFound(UserError):
    """There is nothing of this id."""


class CampaignUnknown(NotFound):
    """There is no campaign of this id."""


class ListUnknown(NotFound):
    """There is no recipient list of this id."""


class ListInUse(UserError):
    """A campaign that is not over uses the recipient list."""


class ListGone(UserError):
    """The recipient list of the campaign has been deleted, and nobody is left to send to."""


class PreconditionFailed(UserError):
    """What If-Match names is not the present version."""


class KeyInUse(UserError):
    """The first request of this Idempotency-Key is still under way."""


class KeyReused(UserError):
    """The Idempotency-Key came with another request before."""


class Unauthenticated(UserError):
    """The request shows no valid API key, and needs one."""


class ScopeLacking(UserError):
    """The API key does not allow the request."""


class TooMany(UserError):
    """A configured limit of requests or imports at a time is reached; later there is room."""

    def __init__(self, said: str, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds; None: the client may come again soon."""
        self.retry_after = retry_after
        super().__init__(said)


class ImportAbandoned(CampaignError):
    """The import stood still for so long that its list was given up; the request may come again."""


class CampaignBusy(RetryLater):
    """Another request for the same campaign is still being worked on."""


def joined(said: Sequence[str], unnamed: int) -> str:
    """Join what is said of fields; `unnamed` further ones are counted."""
    return "; ".join([*said, f"and {unnamed:,} more"] if unnamed else said)
