"""S15, audit: who has done what, over all campaigns, providers, people, keys and webhooks."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.audit.event_log import OF_ADMINS, SUBJECTS, kinds_named, kinds_seen
from campaign_api.dashboard.pages import DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.formats import NOTHING
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import RequestInvalid
from campaign_api.schemas.campaigns.events import LoggedEventParameters, WantedEvents
from campaign_api.web.caller import Scope, caller
from campaign_api.web.http.paging import encode
from campaign_common.store.audit.pages import EventFilter
from campaign_common.store.audit.sources import KINDS

LIMIT = 50
"""Events of one page."""

ALL = WantedEvents(None, None, None, None, None, LIMIT)

MINUTE, SECOND = len("2026-12-01T09:30"), len("2026-12-01T09:30:00")
"""Lengths of what browsers send for a local time."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page."""

    def show(wanted: WantedEvents, problem: PageProblem | None = None) -> Response:
        kinds = kinds_seen(kinds_named(wanted.kind))
        filters = EventFilter(kinds, wanted.actor, wanted.since, wanted.before)
        found = shown.events.page(filters, wanted.after, LIMIT)
        typed = {name: request.args.get(name, "") for name in ("kind", "actor", "from", "to")}
        kept = {name: value for name, value in typed.items() if value}
        next_ = None if found.next_key is None else encode(found.next_key)
        return pages.render(
            "settings/audit.html",
            problem=problem,
            events=[
                {**event, "link": _link(event), "details": _lines(event["details"])}
                for event in found.items
            ],
            wanted=typed,
            is_filtered=bool(kept),
            kinds=_choices(),
            first=url("audit", **kept) if wanted.after else None,
            next=url("audit", **kept, cursor=next_) if next_ else None,
        )

    @pages.page("/audit", entry="Audit", rank=90)
    def audit() -> Response:
        try:
            return show(read_fields(LoggedEventParameters(), _in_utc(request.args)))
        except RequestInvalid as error:
            return show(ALL, page_problem(error))


def _in_utc(given: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return a query with its times as the API takes them; a browser sends them without a zone."""
    values = MultiDict(given)
    for name in ("from", "to"):
        text = values.get(name, "")
        if len(text) == MINUTE:
            text += ":00"
        if len(text) == SECOND:
            text += "Z"
        values[name] = text
    return values


def _choices() -> list[tuple[str, str]]:
    """Return the kinds that the visitor may see: of each subject all, and one by one."""
    sees_all = caller().scope.allows(Scope.ADMIN)
    seen = [kind for kind in KINDS if sees_all or kind not in OF_ADMINS]
    choices = [("", gettext("any"))]
    for subject in SUBJECTS:
        kinds = [kind for kind in seen if kind.partition(".")[0] == subject]
        if kinds:
            choices.append((subject, gettext("%(subject)s: all") % {"subject": subject}))
        if len(kinds) > 1:
            choices += [(kind, kind) for kind in kinds]
    return choices


def _link(event: Mapping[str, Any]) -> str | None:
    """Return the page of the subject of an event, where there is one."""
    subject = event["subject"]
    kind = event["kind"]
    if subject is None or kind in ("campaign.purged", "campaign.deleted", "webhook.deleted"):
        return None
    match kind.partition(".")[0]:
        case "campaign":
            return url("campaign", campaign_id=subject)
        case "provider":
            return url("provider", provider=subject)
        case "webhook":
            return url("webhook", webhook_id=subject)
        case "api_key":
            return url("api_keys")
    return None


def _lines(details: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return details as pairs of a name and a text; what is within others has both names."""
    lines: list[tuple[str, str]] = []
    for name, value in details.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            lines += _lines(value, f"{path}.")
        elif value is None:
            lines.append((path, NOTHING))
        else:
            is_text = isinstance(value, str)
            lines.append((path, value if is_text else json.dumps(value, ensure_ascii=False)))
    return lines
