"""S14, API keys: the list, a new one, whose secret is shown once, and revocation."""

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.screens.settings.secrets import shown_once
from campaign_api.dashboard.shown import Shown
from campaign_api.schemas.access.api_key import NewApiKey
from campaign_api.web.caller import Scope, caller


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page, the page that asks before a key is revoked, and their forms."""
    keys = shown.keys

    def show(problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES) -> Response:
        return pages.render(
            "settings/api_keys.html",
            problem=problem,
            form=form,
            keys=keys.all(),
            scopes=[(scope.value, scope.value) for scope in Scope],
        )

    def ask(key_id: str, problem: PageProblem | None = None, form: object = None) -> Response:
        del form  # nothing was typed
        others = [
            key
            for key in keys.all()
            if key["scope"] == Scope.ADMIN and not key["revoked_at"] and key["id"] != key_id
        ]
        return pages.render(
            "settings/api_key_revoke.html",
            problem=problem,
            key=keys.one(key_id),
            is_own=caller().key_id == key_id,
            is_last=not others,
        )

    @pages.page("/api-keys", scope=Scope.ADMIN, entry="API keys", rank=80)
    def api_keys() -> Response:
        return show()

    @pages.form("/api-keys", scope=Scope.ADMIN, refused=show, shows_secret=True)
    def create_api_key() -> Response:
        wanted = read_fields(NewApiKey(), request.form)
        made = keys.create(wanted["name"], wanted["scope"])
        return shown_once(pages.render("settings/api_key_made.html", key=made))

    @pages.page("/api-keys/<key_id>/revoke", scope=Scope.ADMIN)
    def ask_to_revoke(key_id: str) -> Response:
        return ask(key_id)

    @pages.form("/api-keys/<key_id>/revoke", scope=Scope.ADMIN, refused=ask)
    def revoke_api_key(key_id: str) -> Response:
        keys.revoke(key_id)
        return pages.see("api_keys")
