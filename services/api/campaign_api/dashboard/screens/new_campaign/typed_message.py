"""The fields of the step Message as they were typed, of a form or of a campaign."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.screens.new_campaign.steps import id_of
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import ContentKind
from campaign_common.domain.recipient import ListId

TEMPLATE_NAME = "content.name"
LANGUAGE = "content.language"
PARTS = "content.parts"
"""The fields have the names that errors of the API have for them."""


class TypedMessage(NamedTuple):
    """The fields as they were typed; `campaign_id` is None before there is a draft."""

    campaign_id: CampaignId | None
    list_id: ListId | None
    name: str = ""
    kind: str = ContentKind.TEXT.value
    template: str = ""
    template_name: str = ""
    language: str = ""
    parts: Sequence[str] = ()
    provider: str = ""
    originator: str = ""

    @classmethod
    def of_form(
        cls, form: MultiDict[str, str], campaign_id: CampaignId | None = None
    ) -> "TypedMessage":
        """Take what a form has; parameters without text at the end are none."""
        stored = id_of(form.get("campaign_id")) if campaign_id is None else campaign_id
        list_id = id_of(form.get("recipient_list_id"))
        parts = [_text(part) for part in form.getlist(PARTS)]
        while parts and not parts[-1]:
            parts.pop()
        return cls(
            campaign_id=None if stored is None else CampaignId(stored),
            list_id=None if list_id is None else ListId(list_id),
            name=form.get("name", ""),
            kind=form.get("kind", ContentKind.TEXT.value),
            template=_text(form.get("template", "")),
            template_name=form.get(TEMPLATE_NAME, ""),
            language=form.get(LANGUAGE, ""),
            parts=parts,
            provider=form.get("provider", ""),
            originator=form.get("from", ""),
        )

    @classmethod
    def of_campaign(cls, campaign: Mapping[str, Any]) -> "TypedMessage":
        """Take what a campaign has, as `read_campaign` describes it."""
        content = campaign["content"]
        return cls(
            campaign_id=campaign["id"],
            list_id=campaign["recipient_list_id"],
            name=campaign["name"],
            kind=content["kind"],
            template=content.get("template", ""),
            template_name=content.get("name", ""),
            language=content.get("language", ""),
            parts=content.get("parts", ()),
            provider=campaign["provider"]["name"],
            originator=campaign["from"] or "",
        )

    @property
    def is_text(self) -> bool:
        """Return whether the content is a text of ours, and no template of the provider."""
        return self.kind != ContentKind.TEMPLATE.value

    @property
    def is_empty(self) -> bool:
        """Return whether there is no content yet."""
        return not (self.template if self.is_text else self.template_name)

    def content(self) -> dict[str, Any]:
        """Return the content as a request of the API has it."""
        if self.is_text:
            return {"template": self.template}
        found = {"kind": self.kind, "name": self.template_name, "language": self.language}
        return {"content": {**found, "parts": list(self.parts)}}

    def values(self) -> dict[str, Any]:
        """Return the fields as a request of the API has them."""
        return {
            "name": self.name,
            "recipient_list_id": self.list_id,
            **self.content(),
            **({"provider": self.provider} if self.provider else {}),
            "from": self.originator or None,
        }

    def hidden(self) -> list[tuple[str, str]]:
        """Return the fields, except the list, for a page that keeps them unseen."""
        kept = [
            ("name", self.name),
            ("kind", self.kind),
            ("template", self.template),
            (TEMPLATE_NAME, self.template_name),
            (LANGUAGE, self.language),
            ("provider", self.provider),
            ("from", self.originator),
            *((PARTS, part) for part in self.parts),
        ]
        if self.campaign_id is not None:
            kept.append(("campaign_id", str(self.campaign_id)))
        return kept


def _text(value: str) -> str:
    """Return a text as people typed it; forms have other ends of lines (HTML, 4.10.21.4)."""
    return value.replace("\r\n", "\n")
