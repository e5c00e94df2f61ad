"""Callbacks: the public URL at which providers report, and the secrets of our references."""

from collections.abc import Iterator
from itertools import pairwise

from campaign_common.settings.declaration import Conflict, SectionList, key, section_class
from campaign_common.settings.fields.callbacks import BaseUrl
from campaign_common.settings.fields.plain import Int
from campaign_common.settings.sections.providers.secrets import SecretSettings

SHORTEST_SECRET = 16
"""Characters; a shorter secret could be guessed from one reference."""


@section_class
class ReferenceSecretSettings(SecretSettings):
    """A secret of references, and the first campaign whose references it makes."""

    from_campaign: int | None = key("FromCampaign", Int(1, 2**63 - 1, null=True), default=None)
    """The first campaign, by its id, whose references this secret makes; `null`: all campaigns."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that there is not exactly one of file and value, or that the value is short."""
        yield from super().conflicts()
        if self.value is not None and len(self.value) < SHORTEST_SECRET:
            yield ("Value",), f"expected at least {SHORTEST_SECRET} characters"


@section_class
class CallbacksSettings:
    """The public URL of callbacks, and the secrets of references."""

    base_url: str | None = key("BaseUrl", BaseUrl(), default=None)
    """The URL below which providers reach the API, such as https://campaigns.example.com: callback
    URLs and links to unsubscribe begin with it, and it decides what a provider has signed, whatever
    the `Host` header says. `null`: there are neither. It needs `Secrets`."""
    secrets: tuple[ReferenceSecretSettings, ...] = key(
        "Secrets",
        SectionList(ReferenceSecretSettings, "list of sections with File or Value"),
        default=[],
    )
    """Secrets of references, each `{File: path}` or `{Value: text}` of at least 16 characters. The
    first makes references, and all of them check. One with `FromCampaign: ID` makes those of
    campaigns from that id on, and the next one those of earlier campaigns. A file is read again
    when it changes. See
    [secrets of references](../providers/callbacks.md#secrets-of-references)."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that one key is missing beside the other, or that secrets are in a wrong order."""
        if self.base_url is not None and not self.secrets:
            yield ("Secrets",), "expected a secret with BaseUrl: references are made with it"
        if self.base_url is None and self.secrets:
            yield ("BaseUrl",), "the key is missing; Secrets need the URL of callbacks"
        first = [secret.from_campaign or 0 for secret in self.secrets]
        for place, (one, following) in enumerate(pairwise(first), 1):
            if following and following >= one:
                path = ("Secrets", str(place), "FromCampaign")
                yield path, "expected less than that of the secret before it"
