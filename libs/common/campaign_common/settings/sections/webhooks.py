"""Webhooks: the keys that protect their secrets, and the addresses that they may lead to."""

from collections.abc import Iterator
from pathlib import Path

from campaign_common.settings.declaration import Conflict, SectionList, key, section_class
from campaign_common.settings.fields.http import Network, Networks
from campaign_common.settings.fields.plain import FilePath
from campaign_common.settings.sections.providers.secrets import SecretSettings

MOST_KEYS = 4
"""One that secrets are encrypted with, and three that they are decrypted with."""

SHORTEST_KEY = 32
"""Characters."""


@section_class
class WebhooksSettings:
    """Events that are posted to others; the API and the schedulers use these keys."""

    keys: tuple[SecretSettings, ...] = key(
        "Keys", SectionList(SecretSettings, "list of sections with File or Value"), default=[]
    )
    """Up to 4 keys, each `{File: path}` or `{Value: text}` with 32 characters or more, such as 64
    random hexadecimal digits. The secrets that deliveries are signed with are stored encrypted
    with the first one and decrypted with any of them. Without a key no webhook can be made. See
    [webhooks](../guides/webhooks.md#the-keys)."""
    allowed_networks: tuple[Network, ...] = key("AllowedNetworks", Networks(), default=[])
    """Networks that events may be posted to although they are not public, as in
    `Http.AllowedNetworks`."""
    ca_file: Path | None = key("CaFile", FilePath("PEM file", null=True), default=None)
    """The authorities that are trusted; `null`: those of the system. Certificate and host name are
    always verified."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that there are too many keys, or that one is too short."""
        if len(self.keys) > MOST_KEYS:
            yield ("Keys",), f"expected {MOST_KEYS} keys at most"
        given = [each.value for each in self.keys if each.value is not None]
        if any(len(value) < SHORTEST_KEY for value in given):
            yield ("Keys",), f"expected keys of {SHORTEST_KEY} characters or more"
