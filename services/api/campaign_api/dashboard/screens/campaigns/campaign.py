"""S9, a campaign live: its balance, counts, pace and cost; what may be done; its history."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.actions import Action, allowed_actions
from campaign_api.campaigns.campaign_reader import history_of, progress_of, read_campaign
from campaign_api.campaigns.changes import CampaignChanges
from campaign_api.campaigns.history import described
from campaign_api.campaigns.message_retry import MessagesToRetry
from campaign_api.dashboard.latest import Latest
from campaign_api.dashboard.pages import DashboardPages, PageView, read_fields, url
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.render import formats
from campaign_api.dashboard.render.languages import gettext, ngettext
from campaign_api.dashboard.render.shared_fragments import SharedFragments
from campaign_api.dashboard.render.words import word
from campaign_api.dashboard.screens.campaigns import plots
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.messages.message_export import CsvFile
from campaign_api.messages.message_pages import MessageFilter
from campaign_api.schemas.message import RANKS, MessageFilterParameters
from campaign_api.web.caller import Scope
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_api.web.telemetry.audit_log import log_change
from campaign_common.domain.campaign import CampaignId, CampaignState, Transition
from campaign_common.domain.local_time import local_of
from campaign_common.domain.message import Status
from campaign_common.store.campaigns.transitions import RETRYABLE

MOST_EVENTS = 1_000
"""Events of the history that are shown, the oldest."""

PACES = {
    CampaignState.RUNNING: 1_000,
    CampaignState.SCHEDULED: 5_000,
    CampaignState.PAUSED: 5_000,
}
"""Milliseconds after which a page asks for news; none in the other states."""

TENTH = 10
"""Percent of the recipients after which a screen reader hears of it."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page, the fragment that follows the campaign, and the forms."""
    latest: Latest[CampaignId, dict[str, Any]] = Latest(
        lambda campaign_id: progress_of(shown.databases, campaign_id, shown.rests)
    )
    plotted = plots.register(pages, shown)
    fragments = SharedFragments(pages.renderer, "campaigns/campaign_live.html")

    def show(
        campaign_id: CampaignId, problem: PageProblem | None = None, **of_the_form: object
    ) -> Response:
        del of_the_form  # its buttons have nothing that was typed
        latest.forget(campaign_id)
        campaign = read_campaign(shown.databases, campaign_id)
        events = history_of(shown.databases.main, campaign_id, after_id=0, limit=MOST_EVENTS)
        return pages.render(
            "campaigns/campaign.html",
            problem=problem,
            campaign=campaign,
            planned=_planned(campaign),
            events=[described(event) for event in events],
            **_live(campaign_id, latest.get(campaign_id)),
            **plotted.values(campaign_id),
        )

    @pages.page("/campaigns/<int:campaign_id>")
    def campaign(campaign_id: CampaignId) -> Response:
        return show(campaign_id)

    @pages.page("/campaigns/<int:campaign_id>/live", asked_often=True)
    def campaign_live(campaign_id: CampaignId) -> Response:
        progress = latest.get(campaign_id)
        return fragments.respond(campaign_id, progress, lambda: _live(campaign_id, progress))

    @pages.page("/campaigns/<int:campaign_id>/cancel", scope=Scope.WRITE)
    def ask_to_cancel(campaign_id: CampaignId) -> Response:
        found = read_campaign(shown.databases, campaign_id)
        return pages.render("campaigns/campaign_cancel.html", campaign=found)

    @pages.page("/campaigns/<int:campaign_id>/messages.csv", work=LimitedWork.EXPORT)
    def export_messages(campaign_id: CampaignId) -> Response:
        schema = MessageFilterParameters()
        wanted: MessageFilter = read_fields(schema, MultiDict(request.args))["wanted"]
        pieces = shown.messages.export(campaign_id, wanted, CsvFile())
        response = Response(pieces, content_type=CsvFile.content_type)
        name = f"campaign-{campaign_id}-messages.csv"
        response.headers.set("Content-Disposition", "attachment", filename=name)
        response.headers["Cache-Control"] = "no-store"
        return response

    _add_forms(pages, shown.changes, show)


def _add_forms(pages: DashboardPages, changes: CampaignChanges, show: PageView) -> None:
    """Register what the buttons post to; `show` is the page that has them."""
    form = partial(pages.form, refused=show)

    @form("/campaigns/<int:campaign_id>/pause")
    def pause_campaign(campaign_id: CampaignId) -> Response:
        changes.change_state(campaign_id, Transition.PAUSE)
        return pages.see("campaign", campaign_id=campaign_id)

    @form("/campaigns/<int:campaign_id>/resume")
    def resume_campaign(campaign_id: CampaignId) -> Response:
        changes.change_state(campaign_id, Transition.RESUME)
        return pages.see("campaign", campaign_id=campaign_id)

    @form("/campaigns/<int:campaign_id>/cancel")
    def cancel_campaign(campaign_id: CampaignId) -> Response:
        changes.change_state(campaign_id, Transition.CANCEL)
        return pages.see("campaign", campaign_id=campaign_id)

    @form("/campaigns/<int:campaign_id>/start")
    def start_campaign(campaign_id: CampaignId) -> Response:
        changes.start(campaign_id)
        return pages.see("campaign", campaign_id=campaign_id)

    @form("/campaigns/<int:campaign_id>/retry/<of_status>")
    def retry_campaign(campaign_id: CampaignId, of_status: str) -> Response:
        known = {each.word: each for each in RETRYABLE}
        if of_status not in known:
            raise RequestInvalid([InvalidField("status", f"must be one of {', '.join(known)}")])
        changes.retry(campaign_id, MessagesToRetry(known[of_status]))
        return pages.see("campaign", campaign_id=campaign_id)

    @form("/campaigns/<int:campaign_id>/clone")
    def clone_campaign(campaign_id: CampaignId) -> Response:
        made = changes.clone(campaign_id)
        log_change("campaign created", made)
        return pages.see("draft_message", campaign_id=made)


def _planned(campaign: Mapping[str, Any]) -> str:
    """Return the planned time as clocks show it in the zone that it was planned in."""
    if campaign["scheduled_at"] is None or campaign["time_zone"] is None:
        return formats.NOTHING
    local = local_of(campaign["scheduled_at"], campaign["time_zone"])
    return f"{local.date} {local.time:%H:%M} {local.zone}"


def _live(campaign_id: CampaignId, progress: dict[str, Any]) -> dict[str, Any]:
    """Return what the fragment shows of the progress of a campaign."""
    state = CampaignState(progress["state"])
    budget = progress["budget"]
    spent = ", ".join(
        formats.amount(each["amount"], each["currency"]) for each in progress["spent"]
    )
    return {
        "campaign_id": campaign_id,
        "progress": progress,
        "pace": PACES.get(state),
        "spent": spent or formats.NOTHING,
        "left": formats.NOTHING
        if budget is None
        else formats.amount(budget["left"], budget["currency"]),
        "receipts": [
            (word(rank), _linked(campaign_id, rank, n)) for rank, n in progress["receipts"].items()
        ],
        "actions": _offered(campaign_id, state, progress["counts"]),
        "may_plan": Action.SCHEDULE in allowed_actions(state),
        "may_cancel": Action.CANCEL in allowed_actions(state),
        "labels": {name: word(name) for name in (state.value, *progress["counts"])},
        "version": state.value,
        "announced": _announced(state, progress["balance"]),
    }


def _linked(campaign_id: CampaignId, rank: str, n: int) -> Markup | str:
    """Return a number of receipts of sent messages, with a link to these where it can be asked."""
    if rank not in RANKS:
        return formats.number(n)
    target = url(
        "campaign_messages", campaign_id=campaign_id, status=Status.SENT.word, receipt=rank
    )
    return Markup('<a href="{}">{}</a>').format(target, formats.number(n))


def _offered(
    campaign_id: CampaignId, state: CampaignState, counts: Mapping[str, int]
) -> list[dict[str, str]]:
    """Return the buttons for what the state of a campaign allows."""
    allowed = allowed_actions(state)
    texts = {
        Action.START: ("start_campaign", gettext("Start now"), ""),
        Action.PAUSE: ("pause_campaign", gettext("Pause"), ""),
        Action.RESUME: ("resume_campaign", gettext("Resume"), ""),
    }
    offered = [
        {"path": url(endpoint, campaign_id=campaign_id), "text": text, "kind": kind}
        for action, (endpoint, text, kind) in texts.items()
        if action in allowed
    ]
    if Action.RETRY in allowed:
        offered += [
            _retry(campaign_id, status, counts[status.word]) for status in _to_retry(counts)
        ]
    return offered


def _to_retry(counts: Mapping[str, int]) -> list[Status]:
    return [status for status in sorted(RETRYABLE) if counts.get(status.word)]


def _retry(campaign_id: CampaignId, status: Status, n: int) -> dict[str, str]:
    text = ngettext("Retry %(n)s message: %(status)s", "Retry %(n)s messages: %(status)s", n)
    return {
        "path": url("retry_campaign", campaign_id=campaign_id, of_status=status.word),
        "text": text % {"n": formats.number(n), "status": word(status.word)},
        "kind": "secondary",
    }


def _announced(state: CampaignState, balance: Mapping[str, int]) -> str:
    """Return what a screen reader says: it changes with the state, and each tenth."""
    percent = balance["final"] * 100 // balance["recipients"] if balance["recipients"] else 0
    reached = percent // TENTH * TENTH
    text = gettext("%(state)s, %(percent)s percent have an outcome")
    return text % {"state": word(state.value), "percent": reached}
