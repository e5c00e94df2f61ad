"""S5, the fourth step to a campaign: its time and limits.

The limits are stored with the draft. The time is not, as a campaign with a time is scheduled: it
goes to the next page in the query, until it is confirmed there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.actions import Action, action_refused, allowed_actions
from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.dashboard.local_time import zone_names
from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_values
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.screens.new_campaign import steps
from campaign_api.dashboard.screens.new_campaign.planned_time import (
    FIRST,
    LATER,
    NOW,
    SECOND,
    TypedTime,
)
from campaign_api.dashboard.screens.new_campaign.steps import steps_of
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.schemas.campaigns.campaign import CampaignChange
from campaign_api.web.caller import Scope
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId, CampaignState, Delivery

HOUR = 3600

_NUMBER = re.compile(r"[0-9]{1,12}([.][0-9]{1,9})?")

LIMITS = ("max_rate", "priority", "expires_after", "delivery", "topic", "budget")
"""Fields of the step, named as in the API; that of `expires_after` is in hours."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page and its form."""

    def show(
        campaign_id: CampaignId,
        problem: PageProblem | None = None,
        form: MultiDict[str, str] = NO_VALUES,
    ) -> Response:
        campaign = plannable(shown.databases, campaign_id)
        typed = TypedTime.of_fields(form or request.args)
        if not form and not request.args:
            typed = TypedTime.of_instant(campaign["scheduled_at"], campaign["time_zone"])
        return pages.render(
            "new_campaign/time.html",
            problem=problem,
            steps=steps_of(steps.TIME, campaign_id),
            campaign=campaign,
            typed=typed,
            limits={name: form[name] for name in LIMITS} if form else _limits_of(campaign),
            times=[(NOW, gettext("At once")), (LATER, gettext("At this time"))],
            zones=[(name, name) for name in zone_names()],
            which=_which(typed),
            deliveries=[
                (Delivery.AT_LEAST_ONCE.value, gettext("sent again, perhaps twice")),
                (Delivery.AT_MOST_ONCE.value, gettext("not sent again, perhaps never")),
            ],
            priorities=[(str(n), str(n)) for n in range(1, 11)],
        )

    def show_refused(
        campaign_id: CampaignId, problem: PageProblem, form: MultiDict[str, str]
    ) -> Response:
        given = MultiDict({**dict.fromkeys(LIMITS, ""), **form.to_dict()})
        return show(campaign_id, problem, given)

    @pages.page("/campaigns/<int:campaign_id>/time", scope=Scope.WRITE)
    def draft_time(campaign_id: CampaignId) -> Response:
        try:
            if request.args:
                TypedTime.of_fields(request.args).read()
        except RequestInvalid as error:
            return show(campaign_id, page_problem(error))
        return show(campaign_id)

    @pages.form("/campaigns/<int:campaign_id>/time", refused=show_refused)
    def save_limits(campaign_id: CampaignId) -> Response:
        typed = TypedTime.of_fields(request.form)
        wanted = _both(typed.read, lambda: read_values(CampaignChange(), _values(request.form)))
        shown.changes.change(campaign_id, wanted)
        return pages.see("draft_confirm", campaign_id=campaign_id, **typed.query())


def plannable(databases: Databases, campaign_id: CampaignId) -> dict[str, Any]:
    """Read a campaign that may be given a time.

    Raises:
        CampaignUnknown: there is none.
        TransitionRefused: it has started, or is over.
    """
    campaign = read_campaign(databases, campaign_id)
    state = CampaignState(campaign["state"])
    if Action.SCHEDULE not in allowed_actions(state):
        raise action_refused(Action.SCHEDULE, state)
    return campaign


def _both(time: Callable[[], object], limits: Callable[[], Any]) -> Any:  # noqa: ANN401 - limits
    """Read both halves of the form, and name what is wrong with either."""
    wrong: list[InvalidField] = []
    for read in (time, limits):
        try:
            found = read()
        except RequestInvalid as error:
            wrong += error.wrong
    if wrong:
        raise RequestInvalid(wrong)
    return found


def _limits_of(campaign: Mapping[str, Any]) -> dict[str, str]:
    """Return the limits of a campaign as the fields of the form."""
    seconds = campaign["expires_after"]
    return {
        "max_rate": _plain(campaign["max_rate"]),
        "priority": str(campaign["priority"]),
        "expires_after": "" if seconds is None else f"{seconds / HOUR:.10g}",
        "delivery": campaign["delivery"],
        "topic": campaign["topic"] or "",
        "budget": _plain(campaign["budget"]),
    }


def _plain(value: Any) -> str:  # noqa: ANN401 - a Decimal, or None
    return "" if value is None else f"{value.normalize():f}"


def _values(form: Mapping[str, str]) -> dict[str, object]:
    """Return the limits of a form as a request of the API has them; empty ones are none.

    Raises:
        RequestInvalid: one is no number.
    """
    given = {name: form.get(name, "").strip() for name in LIMITS}
    wrong = []
    values: dict[str, object] = {
        "max_rate": _number(given["max_rate"]) if given["max_rate"] else None,
        "topic": given["topic"] or None,
        "budget": given["budget"] or None,
        "expires_after": None,
    }
    if given["delivery"]:
        values["delivery"] = given["delivery"]
    if given["priority"]:
        values["priority"] = _number(given["priority"])
    if given["expires_after"]:
        hours = _number(given["expires_after"])
        if isinstance(hours, str):
            wrong.append(InvalidField("expires_after", gettext("must be a number of hours")))
        else:
            values["expires_after"] = max(1, round(hours * HOUR))
    if wrong:
        raise RequestInvalid(wrong)
    return values


def _number(text: str) -> float | str:
    """Return a number as JSON would have it; what is none stays a text, and is refused as such."""
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.isdigit() else float(text)


def _which(typed: TypedTime) -> list[tuple[str, str]]:
    """Return the choice between two times that a clock shows alike; empty: there is only one."""
    if not typed.is_ambiguous:
        return []
    return [
        (FIRST, gettext("the first, before clocks are put back")),
        (SECOND, gettext("the second, after clocks are put back")),
    ]
