"""The five steps to a new campaign, and the ways between them."""

from typing import NamedTuple

from campaign_api.dashboard.pages import url
from campaign_api.dashboard.render.languages import gettext
from campaign_common.domain.campaign import CampaignId

LIST, MESSAGE, CHECK, TIME, CONFIRM = range(5)


class CampaignStep(NamedTuple):
    """A step as pages show it; `path` is None where one cannot go yet."""

    text: str
    path: str | None
    is_current: bool


def steps_of(current: int, campaign_id: CampaignId | None = None) -> list[CampaignStep]:
    """Return the steps; of a campaign that is stored, one can go to each except the last."""
    texts = [
        gettext("List"),
        gettext("Message"),
        gettext("Check"),
        gettext("Time and limits"),
        gettext("Confirm"),
    ]
    paths: list[str | None] = [None] * len(texts)
    if campaign_id is not None:
        endpoints = ("draft_list", "draft_message", "draft_check", "draft_time")
        paths[:CONFIRM] = [url(endpoint, campaign_id=campaign_id) for endpoint in endpoints]
    return [
        CampaignStep(text, path, number == current)
        for number, (text, path) in enumerate(zip(texts, paths, strict=True))
    ]


def id_of(text: str | None) -> int | None:
    """Return a number that a form or a query has; None: it has none, or none that can be an id."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number and text else None
