"""S5, the third step to a campaign: all of its messages rendered, and none sent (dry run)."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.campaigns.dry_run import DryRuns
from campaign_api.dashboard.pages import DashboardPages
from campaign_api.dashboard.problems import FRAGMENT
from campaign_api.dashboard.render import formats
from campaign_api.dashboard.render.languages import gettext, ngettext
from campaign_api.dashboard.screens.new_campaign import steps
from campaign_api.dashboard.screens.new_campaign.steps import steps_of
from campaign_api.dashboard.shown import Shown
from campaign_api.web.caller import Scope
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.campaign import CampaignId


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page, and the check itself, which may take longer."""
    dry_runs = DryRuns(shown.databases, shown.settings)

    def show(campaign_id: CampaignId, found: Mapping[str, Any] | None = None) -> Response:
        return pages.render(
            "new_campaign/check.html",
            steps=steps_of(steps.CHECK, campaign_id),
            campaign=read_campaign(shown.databases, campaign_id),
            found=found,
            warnings=() if found is None else warnings_of(found),
        )

    @pages.page("/campaigns/<int:campaign_id>/check", scope=Scope.WRITE)
    def draft_check(campaign_id: CampaignId) -> Response:
        return show(campaign_id)

    @pages.page(
        "/campaigns/<int:campaign_id>/check/result", scope=Scope.WRITE, work=LimitedWork.DRY_RUN
    )
    def check_result(campaign_id: CampaignId) -> Response:
        found = dry_runs.run(campaign_id)
        if FRAGMENT in request.headers:
            return pages.render(
                "new_campaign/check_result.html",
                campaign_id=campaign_id,
                found=found,
                warnings=warnings_of(found),
            )
        return show(campaign_id, found)


def warnings_of(found: Mapping[str, Any]) -> list[str]:
    """Return what a person should know of a dry run before the campaign is sent."""
    warnings = []
    provider, cost, unsubscribe = found["provider"], found["cost"], found["unsubscribe"]
    if not found["complete"]:
        warnings.append(gettext("The check took too long: not all messages are counted."))
    if provider["problem"]:
        warnings.append(provider["problem"])
    if provider["too_long"]:
        text = ngettext(
            "%(n)s message is longer than %(most)s characters, and will fail.",
            "%(n)s messages are longer than %(most)s characters, and will fail.",
            provider["too_long"],
        )
        warnings.append(
            text
            % {
                "n": formats.number(provider["too_long"]),
                "most": formats.number(provider["max_length"]),
            }
        )
    if cost is not None and cost["warning"]:
        warnings.append(cost["warning"])
    if unsubscribe["warning"]:
        warnings.append(unsubscribe["warning"])
    return warnings
