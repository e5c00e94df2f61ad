"""What the API refuses; `problems` chooses the HTTP status of each."""

from campaign_common.errors import CampaignError, RetryLater, UserError


class RequestMalformed(UserError):
    """The body is not a JSON object of the published fields."""


class PathRefused(UserError):
    """csv_file_path leads outside CsvRoot, or to something that is no readable file."""


class CsvRefused(UserError):
    """The file as a whole is no recipient list; single bad rows are stored rejects instead."""


class CampaignStarted(UserError):
    """The campaign has started, or is over, and a different request came for it."""


class CampaignUnknown(UserError):
    """There is no campaign of this id."""


class ImportAbandoned(CampaignError):
    """The import stood still for so long that its list was given up; the request may come again."""


class CampaignBusy(RetryLater):
    """Another request for the same campaign is still being worked on."""
