"""S5, the second step to a campaign: its message, shown live for people of the list."""

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_values
from campaign_api.dashboard.problems import FRAGMENT, PageProblem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.screens.new_campaign import steps
from campaign_api.dashboard.screens.new_campaign.list_step import chosen_list
from campaign_api.dashboard.screens.new_campaign.message_preview import MessagePreviews
from campaign_api.dashboard.screens.new_campaign.steps import steps_of
from campaign_api.dashboard.screens.new_campaign.typed_message import TypedMessage
from campaign_api.dashboard.shown import Shown
from campaign_api.lists.recipient_lists import RecipientLists
from campaign_api.schemas.campaigns.campaign import CampaignChange, NewCampaignBody
from campaign_api.schemas.campaigns.content import MOST_PARTS
from campaign_api.web.caller import Scope
from campaign_api.web.telemetry.audit_log import log_change
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import ContentKind
from campaign_common.settings import Settings

SPARE_PARTS = 3
"""Fields for further parameters of a provider's template."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page of a new campaign, that of a draft, the preview, and the forms."""
    lists = RecipientLists(shown.databases.main)
    previews = MessagePreviews(shown.databases.main, shown.settings)
    providers = [*shown.settings.configured_providers, *shown.settings.route_settings]
    takes_templates = _take_templates(shown.settings)

    def show(typed: TypedMessage, problem: PageProblem | None = None) -> Response:
        if typed.list_id is None:
            return pages.see("new_campaign")
        return pages.render(
            "new_campaign/message.html",
            problem=problem,
            steps=steps_of(steps.MESSAGE, typed.campaign_id),
            typed=typed,
            list=lists.one(typed.list_id),
            kinds=[
                (ContentKind.TEXT.value, gettext("A text")),
                (ContentKind.TEMPLATE.value, gettext("A template that the provider holds")),
            ],
            takes_templates=takes_templates or not typed.is_text,
            parts=[*typed.parts, *[""] * SPARE_PARTS][:MOST_PARTS],
            providers=[(name, name) for name in providers],
            default_provider=typed.provider or shown.settings.provider,
            preview=previews.of(typed, request.form),
        )

    def show_refused(
        problem: PageProblem,
        form: MultiDict[str, str] = NO_VALUES,
        campaign_id: CampaignId | None = None,
    ) -> Response:
        return show(TypedMessage.of_form(form, campaign_id), problem)

    @pages.page("/campaigns/new/message", scope=Scope.WRITE)
    def new_message() -> Response:
        return show(TypedMessage(None, chosen_list(), provider=shown.settings.provider))

    @pages.page("/campaigns/<int:campaign_id>/message", scope=Scope.WRITE)
    def draft_message(campaign_id: CampaignId) -> Response:
        typed = TypedMessage.of_campaign(read_campaign(shown.databases, campaign_id))
        return show(typed._replace(list_id=chosen_list() or typed.list_id))

    @pages.form("/campaigns/new/preview", keyed=False)
    def preview_message() -> Response:
        typed = TypedMessage.of_form(request.form)
        if FRAGMENT in request.headers:
            return pages.render(
                "new_campaign/preview.html", preview=previews.of(typed, request.form)
            )
        return show(typed)

    @pages.form("/campaigns/new/message", refused=show_refused)
    def create_draft() -> Response:
        typed = TypedMessage.of_form(request.form)
        made = shown.changes.create(read_values(NewCampaignBody(), typed.values()))
        log_change("campaign created", made)
        return pages.see("draft_check", campaign_id=made)

    @pages.form("/campaigns/<int:campaign_id>/message", refused=show_refused)
    def save_message(campaign_id: CampaignId) -> Response:
        typed = TypedMessage.of_form(request.form, campaign_id)
        shown.changes.change(campaign_id, read_values(CampaignChange(), typed.values()))
        return pages.see("draft_check", campaign_id=campaign_id)


def _take_templates(settings: Settings) -> bool:
    """Return whether a provider takes templates that it holds."""
    return any(
        ContentKind.TEMPLATE in provider.content_support.kinds
        for provider in settings.configured_providers.values()
    )
