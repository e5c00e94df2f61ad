"""S5, the last step to a campaign: all that was chosen, to be confirmed."""

from collections.abc import Callable

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.campaign_reader import campaign_of
from campaign_api.dashboard.pages import DashboardPages
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.screens.new_campaign import steps
from campaign_api.dashboard.screens.new_campaign.planned_time import TypedTime
from campaign_api.dashboard.screens.new_campaign.steps import steps_of
from campaign_api.dashboard.screens.new_campaign.time_step import plannable
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import PreconditionFailed, RequestInvalid
from campaign_api.routes.campaigns import etag_of
from campaign_api.web.caller import Scope
from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page and its form."""

    def show_all(campaign_id: CampaignId, problem: PageProblem | None = None) -> Response:
        campaign = plannable(shown.databases, campaign_id)
        typed = TypedTime.of_fields(request.form or request.args)
        try:
            instant = typed.read()
        except RequestInvalid:
            return pages.see("draft_time", campaign_id=campaign_id, **typed.query())
        return pages.render(
            "new_campaign/confirm.html",
            problem=problem,
            steps=steps_of(steps.CONFIRM, campaign_id),
            campaign=campaign,
            typed=typed,
            instant=instant,
            version=etag_of(campaign),
        )

    @pages.page("/campaigns/<int:campaign_id>/confirm", scope=Scope.WRITE)
    def draft_confirm(campaign_id: CampaignId) -> Response:
        return show_all(campaign_id)

    def show_all_refused(
        campaign_id: CampaignId, problem: PageProblem, form: MultiDict[str, str]
    ) -> Response:
        del form  # it has nothing that was typed
        return show_all(campaign_id, problem)

    @pages.form("/campaigns/<int:campaign_id>/confirm", refused=show_all_refused)
    def schedule_campaign(campaign_id: CampaignId) -> Response:
        typed = TypedTime.of_fields(request.form)
        instant = typed.read()
        require = _unchanged(shown.databases, campaign_id, request.form.get("version", ""))
        if instant is None:
            shown.changes.start(campaign_id, require)
        else:
            shown.changes.schedule(campaign_id, instant, typed.time_zone, require)
        return pages.see("campaign", campaign_id=campaign_id)


def _unchanged(
    databases: Databases, campaign_id: CampaignId, version: str
) -> Callable[[Cursor], None]:
    """Return what refuses a campaign that is not the one that was shown."""

    def require(cursor: Cursor) -> None:
        with databases.reading(cursor) as cursors:
            if etag_of(campaign_of(cursors, campaign_id)) != version:
                raise PreconditionFailed(
                    gettext("The campaign was changed meanwhile. It is shown below as it is now.")
                )

    return require
