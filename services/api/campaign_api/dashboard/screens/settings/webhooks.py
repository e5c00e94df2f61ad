"""S16, webhooks: made, changed, tested and deleted; their deliveries, which can be repeated."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import (
    NO_VALUES,
    DashboardPages,
    PageView,
    read_fields,
    read_values,
    url,
)
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.screens.settings.secrets import shown_once
from campaign_api.dashboard.shown import Shown
from campaign_api.schemas.webhooks.webhook import (
    DeliveryPageParameters,
    WebhookBody,
    WebhookChange,
)
from campaign_api.web.caller import Scope
from campaign_api.web.http.paging import LARGEST_NUMBER, encode
from campaign_api.webhooks.webhook_editor import WebhookEditor
from campaign_api.webhooks.webhook_records import WebhookRecords
from campaign_common.domain.events.delivery_retries import DeliveryState
from campaign_common.domain.events.event_kind import CHOSEN

LIMIT = 50
"""Deliveries of one page."""

PACE = 2_000
"""Milliseconds after which a page asks for news of deliveries that are pending."""

SOON = timedelta(seconds=60)
"""A page asks for news of deliveries that are due within this time."""

NEWEST = LARGEST_NUMBER - 1
"""Above the id of every delivery."""

KINDS = [kind.value for kind in CHOSEN]


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the pages of all webhooks and of one, and their forms."""
    records = shown.webhooks.records

    def show_all(
        problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES
    ) -> Response:
        return pages.render(
            "settings/webhooks/all.html",
            problem=problem,
            form=form,
            webhooks=records.all(),
            kinds=KINDS,
            chosen=form.getlist("kinds"),
        )

    def show(
        webhook_id: int,
        problem: PageProblem | None = None,
        form: MultiDict[str, str] = NO_VALUES,
        **of_the_path: object,
    ) -> Response:
        del of_the_path  # such as the delivery that could not be repeated
        webhook = records.one(webhook_id)
        is_typed = "url" in form
        return pages.render(
            "settings/webhooks/one.html",
            problem=problem,
            webhook=webhook,
            typed_url=form["url"] if is_typed else webhook["url"],
            kinds=KINDS,
            chosen=form.getlist("kinds") if is_typed else webhook["kinds"] or [],
            **_deliveries_of(records, webhook_id),
        )

    @pages.page("/webhooks", scope=Scope.ADMIN, entry="Webhooks", rank=85)
    def webhooks() -> Response:
        return show_all()

    @pages.page("/webhooks/<int:webhook_id>", scope=Scope.ADMIN)
    def webhook(webhook_id: int) -> Response:
        return show(webhook_id)

    @pages.page("/webhooks/<int:webhook_id>/deliveries", scope=Scope.ADMIN)
    def webhook_deliveries(webhook_id: int) -> Response:
        return pages.render(
            "settings/webhooks/deliveries.html", **_deliveries_of(records, webhook_id)
        )

    @pages.page("/webhooks/<int:webhook_id>/delete", scope=Scope.ADMIN)
    def ask_to_delete_webhook(webhook_id: int) -> Response:
        return pages.render("settings/webhooks/delete.html", webhook=records.one(webhook_id))

    _add_forms_with_secrets(pages, shown.webhooks, show_all, show)
    _add_forms(pages, shown.webhooks, show)


def _add_forms_with_secrets(
    pages: DashboardPages, editor: WebhookEditor, show_all: PageView, show: PageView
) -> None:
    """Register the forms whose answer shows a secret."""

    def show_secret(webhook_id: int) -> Response:
        made = editor.records.with_secret(webhook_id)
        return shown_once(pages.render("settings/webhooks/secret.html", webhook=made))

    @pages.form("/webhooks", scope=Scope.ADMIN, refused=show_all, shows_secret=True)
    def create_webhook() -> Response:
        return show_secret(editor.create(read_values(WebhookBody(), _typed(request.form))))

    form = partial(pages.form, scope=Scope.ADMIN, refused=show, shows_secret=True)

    @form("/webhooks/<int:webhook_id>/rotate")
    def rotate_webhook(webhook_id: int) -> Response:
        editor.rotate(webhook_id)
        return show_secret(webhook_id)


def _add_forms(pages: DashboardPages, editor: WebhookEditor, show: PageView) -> None:
    """Register the other forms; `show` is the page that has them."""
    form = partial(pages.form, scope=Scope.ADMIN, refused=show)

    @form("/webhooks/<int:webhook_id>/change")
    def change_webhook(webhook_id: int) -> Response:
        editor.change(webhook_id, read_values(WebhookChange(), _typed(request.form)))
        return pages.see("webhook", webhook_id=webhook_id)

    @form("/webhooks/<int:webhook_id>/enable")
    def enable_webhook(webhook_id: int) -> Response:
        editor.change(webhook_id, {"enabled": True})
        return pages.see("webhook", webhook_id=webhook_id)

    @form("/webhooks/<int:webhook_id>/disable")
    def disable_webhook(webhook_id: int) -> Response:
        editor.change(webhook_id, {"enabled": False})
        return pages.see("webhook", webhook_id=webhook_id)

    @form("/webhooks/<int:webhook_id>/test")
    def test_webhook(webhook_id: int) -> Response:
        editor.test(webhook_id)
        return pages.see("webhook", webhook_id=webhook_id)

    @form("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/redeliver")
    def redeliver(webhook_id: int, delivery_id: int) -> Response:
        editor.redeliver(webhook_id, delivery_id)
        return pages.see("webhook", webhook_id=webhook_id)

    @form("/webhooks/<int:webhook_id>/delete")
    def delete_webhook(webhook_id: int) -> Response:
        editor.delete(webhook_id)
        return pages.see("webhooks")


def _deliveries_of(records: WebhookRecords, webhook_id: int) -> dict[str, Any]:
    """Return what a page shows of the deliveries of a webhook: the newest, or those of a cursor."""
    query = MultiDict(request.args) if request.method == "GET" else NO_VALUES
    (before_id,) = read_fields(DeliveryPageParameters(), query).get("cursor", (NEWEST,))
    found = records.page(webhook_id, before_id=before_id, limit=LIMIT)
    is_first = before_id == NEWEST
    is_followed = is_first and records.one(webhook_id)["enabled"]
    next_ = encode((found[-1]["id"],)) if len(found) == LIMIT else None
    return {
        "webhook_id": webhook_id,
        "deliveries": found,
        "pace": PACE if is_followed and any(map(_is_due_soon, found)) else None,
        "first": None if is_first else url("webhook", webhook_id=webhook_id),
        "next": url("webhook", webhook_id=webhook_id, cursor=next_) if next_ else None,
    }


def _is_due_soon(delivery: Mapping[str, Any]) -> bool:
    due_at: datetime | None = delivery["due_at"]
    is_pending = delivery["state"] is DeliveryState.PENDING
    return is_pending and due_at is not None and due_at - datetime.now(UTC) < SOON


def _typed(form: MultiDict[str, str]) -> dict[str, object]:
    """Return the fields of a webhook as the API takes them; without a kind, all kinds."""
    values: dict[str, object] = {"kinds": form.getlist("kinds") or None}
    if form.get("url"):
        values["url"] = form["url"].strip()
    return values
