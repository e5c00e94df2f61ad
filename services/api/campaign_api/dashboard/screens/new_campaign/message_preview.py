"""Preview of a message while it is typed: for people of the list, with its size and cost."""

from collections.abc import Mapping
from typing import Any

from campaign_api.campaigns.dry_runs.message_costs import price_messages
from campaign_api.campaigns.previews.draft_preview import preview_draft
from campaign_api.dashboard.pages import read_values
from campaign_api.dashboard.problems import page_problem
from campaign_api.dashboard.screens.new_campaign.steps import id_of
from campaign_api.dashboard.screens.new_campaign.typed_message import TypedMessage
from campaign_api.schemas.campaigns.draft_preview import LARGEST_SEQ, DraftPreview
from campaign_common.database import Database
from campaign_common.errors import UserError
from campaign_common.settings import Settings

SHOWN_MESSAGES = 3
"""Messages of a preview."""


class MessagePreviews:
    """Previews, made by the same objects as those of POST /v1/previews."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def of(self, typed: TypedMessage, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the messages for the recipients that the form asks for, or what is wrong.

        `next` is the number of the recipient after them; None: there is none.

        Raises:
            RetryLater: the database is unavailable.
        """
        asked = id_of(form.get("go")) or id_of(form.get("from_seq"))
        first = min(max(asked or 1, 1), LARGEST_SEQ)
        shown: dict[str, Any] = {"messages": [], "problem": None, "from_seq": first, "next": None}
        if typed.is_empty:
            return shown
        try:
            found = self._rendered(typed, first)
        except UserError as error:
            return {**shown, "problem": page_problem(error)}
        messages = found["messages"]
        if len(messages) == SHOWN_MESSAGES:
            shown["next"] = messages[-1]["seq"] + 1
        return {**shown, **found}

    def _rendered(self, typed: TypedMessage, first: int) -> dict[str, Any]:
        given = {"recipient_list_id": typed.list_id, "from_seq": first, "limit": SHOWN_MESSAGES}
        wanted = read_values(DraftPreview(), {**typed.content(), **given})
        found = preview_draft(self._database, self._settings, wanted["content"], wanted["source"])
        provider = typed.provider or self._settings.provider
        price_messages(self._database, self._settings, provider, found["messages"])
        return found
