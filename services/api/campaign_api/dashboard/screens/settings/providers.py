"""S13, providers and their senders: state, use, answers, circuit breaker; limits set live."""

from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.latest import Latest
from campaign_api.dashboard.pages import NO_VALUES, DashboardPages
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.screens.settings import limits_form
from campaign_api.dashboard.shown import Shown
from campaign_api.web.caller import Scope, may_see_reasons
from campaign_common.domain.limits.provider_limits import LimitUnit, known_zones

PACE = 5_000
"""Milliseconds after which a page asks for news; senders say theirs every 5 s."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the pages of all providers and of one, what follows them, and the forms."""
    latest: Latest[tuple[str | None, bool], Any] = Latest(
        lambda wanted: (
            shown.providers.read_all(shows_reasons=wanted[1])
            if wanted[0] is None
            else shown.providers.read(wanted[0], shows_reasons=wanted[1])
        )
    )

    def state(provider: str | None = None) -> Any:  # noqa: ANN401 - one, or all
        return latest.get((provider, may_see_reasons()))

    def show(
        provider: str,
        problem: PageProblem | None = None,
        form: MultiDict[str, str] = NO_VALUES,
    ) -> Response:
        in_force = shown.limits.read(provider)
        typed = form if "zone" in form else limits_form.written(in_force["limits"])
        return pages.render(
            "settings/provider.html",
            problem=problem,
            provider=state(provider),
            in_force=in_force,
            changes=[
                {**event, "text": limits_form.summary(event["limits"])}
                for event in in_force["events"]
            ],
            typed={name: typed.get(name, "") for name in limits_form.FIELDS},
            units=[(unit.value, limits_form.unit_text(unit)) for unit in LimitUnit],
            zones=sorted(known_zones()),
            pace=PACE,
        )

    @pages.page("/providers", entry="Providers", rank=70)
    def providers() -> Response:
        return pages.render("settings/providers.html", providers=state(), pace=PACE)

    @pages.page("/provider-states")
    def provider_states() -> Response:
        return pages.render("settings/provider_states.html", providers=state(), pace=PACE)

    @pages.page("/providers/<provider>")
    def provider(provider: str) -> Response:
        return show(provider)

    @pages.page("/providers/<provider>/live")
    def provider_live(provider: str) -> Response:
        return pages.render("settings/provider_live.html", provider=state(provider), pace=PACE)

    @pages.form("/providers/<provider>/limits", scope=Scope.ADMIN, refused=show)
    def set_limits(provider: str) -> Response:
        version = limits_form.read_version(request.form)
        shown.limits.set(provider, limits_form.read(request.form), version=version)
        return pages.see("provider", provider=provider)

    @pages.form("/providers/<provider>/configured-limits", scope=Scope.ADMIN, refused=show)
    def use_configured_limits(provider: str) -> Response:
        shown.limits.set(provider, None, version=limits_form.read_version(request.form))
        return pages.see("provider", provider=provider)

    pages.renderer.add_globals(limits_summary=limits_form.summary)
