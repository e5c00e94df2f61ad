"""Errors of the API; `web.http.problems` has the HTTP status of each.

UserError
├── RequestMalformed, RequestInvalid
├── PathRefused, CsvRefused, UploadMalformed, UploadBroken, UploadStalled, UploadTooLarge
├── ListInUse, PreconditionFailed
├── NotFound (ListUnknown)
├── NoSender, TooManyWebhooks, WebhookKeyMissing, ParquetMissing
├── IdempotencyKeyInUse, IdempotencyKeyReused
├── Unauthenticated, InsufficientScope
└── TooManyRequests
CampaignError
└── ErasureKeyMissing

`campaign_common.planning.errors` has those of making and changing campaigns.
"""

from collections.abc import Sequence
from typing import NamedTuple

from campaign_common.errors import CampaignError, UserError

MAX_NAMED_FIELDS = 20
"""Wrong fields of a request that the error names; of the others it gives the number."""


class RequestMalformed(UserError):
    """The body is not a JSON object of the published fields."""


class InvalidField(NamedTuple):
    """A field of a request, its path with dots, and the message about it."""

    field: str
    message: str


class RequestInvalid(UserError):
    """Fields or parameters of a request are missing, unknown or wrong; names the first of them."""

    def __init__(self, wrong: Sequence[InvalidField]) -> None:
        self.wrong = tuple(wrong[:MAX_NAMED_FIELDS])
        self.unnamed = len(wrong) - len(self.wrong)
        """Further fields that are wrong."""
        super().__init__(
            joined([f"{field}: {message}" for field, message in self.wrong], self.unnamed)
        )


class PathRefused(UserError):
    """csv_file_path leads outside CsvRoot, or to something that is no readable file."""


class CsvRefused(UserError):
    """The file as a whole is no recipient list; single bad rows are stored rejects instead."""


class UploadMalformed(UserError):
    """The body of an upload does not match its Content-Type."""


class UploadBroken(UserError):
    """The body of an upload ended before its end, or lost its framing."""


class UploadStalled(UserError):
    """Nothing of an upload arrived for as long as Timeout allows."""


class UploadTooLarge(UserError):
    """An upload has more bytes or rows than are allowed."""


class NotFound(UserError):
    """The resource does not exist."""


class ListUnknown(NotFound):
    """The recipient list does not exist."""


class NoSender(UserError):
    """No sender that runs can do what is asked; the text says why, and what to do."""


class TooManyWebhooks(UserError):
    """There are as many webhooks as there may be."""


class WebhookKeyMissing(UserError):
    """No configured key encrypts or decrypts the secret of a webhook."""


class ParquetMissing(UserError):
    """The API is installed without what writes Parquet."""


class ListInUse(UserError):
    """A campaign that is not over uses the recipient list."""


class PreconditionFailed(UserError):
    """The current version is not the one that If-Match names."""


class IdempotencyKeyInUse(UserError):
    """The first request of this Idempotency-Key is still under way."""


class IdempotencyKeyReused(UserError):
    """The Idempotency-Key came with another request before."""


class Unauthenticated(UserError):
    """The request shows no valid API key, and needs one."""


class InsufficientScope(UserError):
    """The API key does not allow the request."""


class ErasureKeyMissing(CampaignError):
    """A key of erased people is not configured or can not be read: no list can be imported."""


class TooManyRequests(UserError):
    """A configured limit of requests or imports is reached; the request may be repeated later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds; None: the request may be repeated soon."""
        self.retry_after = retry_after
        super().__init__(message)


def joined(messages: Sequence[str], unnamed: int) -> str:
    """Join messages about fields, and append the number of `unnamed` further ones."""
    return "; ".join([*messages, f"and {unnamed:,} more"] if unnamed else messages)
