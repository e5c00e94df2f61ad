"""Errors of planning a campaign.

UserError
├── PlanInvalid (TemplateUnfit)
├── CampaignUnknown, CampaignStarted
└── ListDeleted
CampaignError
├── ImportAbandoned
└── RetryLater: CampaignBusy
"""

from campaign_common.errors import CampaignError, RetryLater, UserError


class PlanInvalid(UserError):
    """A field of a plan is wrong; `field` is named as in POST /v1/campaigns."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}")


class TemplateUnfit(PlanInvalid):
    """The template is malformed, or names a column that the recipient list has not."""


class CampaignUnknown(UserError):
    """The campaign does not exist."""


class CampaignStarted(UserError):
    """The campaign has started, or is over, and a different request came for it."""


class ListDeleted(UserError):
    """The recipient list of the campaign has been deleted."""


class ImportAbandoned(CampaignError):
    """The import stalled for so long that its list was discarded; the request may be repeated."""


class CampaignBusy(RetryLater):
    """Another request for the same campaign is still being worked on."""
