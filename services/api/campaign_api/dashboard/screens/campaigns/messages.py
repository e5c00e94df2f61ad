"""S10, the messages of a campaign by status, error code and receipt; their error codes."""

from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.actions import Action, allowed_actions
from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.render.words import word
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import RequestInvalid
from campaign_api.messages.message_pages import MessageFilter
from campaign_api.schemas.campaigns.actions import Retry, messages_to_retry
from campaign_api.schemas.campaigns.errors import ErrorParameters
from campaign_api.schemas.message import RANKS, WORDS, CampaignMessageParameters
from campaign_api.web.http.paging import encode
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.message import Status

LIMIT = 50
"""Messages of one page."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the pages, and the form that has messages of an error code sent again."""

    def show(
        campaign_id: CampaignId, parameters: dict[str, Any], problem: PageProblem | None = None
    ) -> Response:
        wanted, position = parameters["wanted"], parameters["cursor"]
        campaign = read_campaign(shown.databases, campaign_id)
        found = shown.messages.page(campaign_id, wanted, position, LIMIT)
        filters = _words(wanted)
        next_ = None if found.next is None else encode(found.next)
        here = {"campaign_id": campaign_id, **filters}
        return pages.render(
            "campaigns/messages.html",
            problem=problem,
            campaign=campaign,
            counts=_counts(campaign),
            messages=found.items,
            wanted={name: value or "" for name, value in filters.items()},
            statuses=_options(WORDS),
            receipts=_options(RANKS),
            export=url("export_messages", **here),
            first=url("campaign_messages", **here) if position.seq else None,
            next=url("campaign_messages", **here, cursor=next_) if next_ else None,
        )

    @pages.page("/campaigns/<int:campaign_id>/messages")
    def campaign_messages(campaign_id: CampaignId) -> Response:
        # A number is searched for among people: no query has one.
        schema = CampaignMessageParameters(exclude=("phone",))
        try:
            return show(campaign_id, read_fields(schema, MultiDict(request.args)))
        except RequestInvalid as error:
            return show(campaign_id, schema.load({}, unknown=EXCLUDE), page_problem(error))

    def show_errors(
        campaign_id: CampaignId,
        problem: PageProblem | None = None,
        form: MultiDict[str, str] = NO_VALUES,
    ) -> Response:
        del form  # its buttons have nothing that was typed
        (part,) = read_fields(ErrorParameters(), MultiDict(request.args)).get("cursor", (0,))
        campaign = read_campaign(shown.databases, campaign_id)
        counted = shown.error_counts.page(campaign_id, part)
        next_ = None if counted.next_part is None else encode((counted.next_part,))
        here = url("campaign_errors", campaign_id=campaign_id)
        return pages.render(
            "campaigns/errors.html",
            problem=problem,
            campaign=campaign,
            counted=counted.described,
            may_retry=Action.RETRY in allowed_actions(CampaignState(campaign["state"])),
            first=here if part else None,
            next=url("campaign_errors", campaign_id=campaign_id, cursor=next_) if next_ else None,
        )

    @pages.page("/campaigns/<int:campaign_id>/errors")
    def campaign_errors(campaign_id: CampaignId) -> Response:
        return show_errors(campaign_id)

    @pages.form("/campaigns/<int:campaign_id>/errors/retry", refused=show_errors)
    def retry_code(campaign_id: CampaignId) -> Response:
        body = read_fields(Retry(), request.form)
        shown.changes.retry(campaign_id, messages_to_retry(body))
        return pages.see("campaign", campaign_id=campaign_id)


def _counts(campaign: dict[str, Any]) -> dict[str, int]:
    """Return the numbers of messages by status, which add up to the recipients."""
    counts: dict[str, int] = campaign["counts"]
    return {**counts, Status.NOT_STARTED.word: campaign["total"] - sum(counts.values())}


def _words(wanted: MessageFilter) -> dict[str, str | None]:
    """Return the filter as the parameters of a path have it."""
    return {
        "status": None if wanted.status is None else wanted.status.word,
        "error_code": wanted.error_code,
        "receipt": None if wanted.receipt is None else wanted.receipt.word,
    }


def _options(words: list[str]) -> list[tuple[str, str]]:
    return [("", gettext("any")), *((each, word(each)) for each in words)]
