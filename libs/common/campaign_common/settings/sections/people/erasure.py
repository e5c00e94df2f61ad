"""Erasure: the keys of the hashes that erased people leave behind."""

from collections.abc import Iterator

from campaign_common.domain.erasure.erasure_key import SHORTEST_KEY
from campaign_common.settings.declaration import Conflict, SectionList, key, section_class
from campaign_common.settings.sections.providers.secrets import SecretSettings

MOST_KEYS = 4
"""One that hashes are made with, and three that they are checked with."""


@section_class
class ErasureSettings:
    """The keys by which imports recognize people who were erased; only the API uses them."""

    keys: tuple[SecretSettings, ...] = key(
        "Keys", SectionList(SecretSettings, "list of sections with File or Value"), default=[]
    )
    """Up to 4 keys, each `{File: path}` or `{Value: text}` with 32 characters or more, such as 64
    random hexadecimal digits. The hash of an erased person is made with the first one and compared
    with all of them. Without a key an erased person comes back with the next import. See
    [erasure](../guides/erasure.md#the-keys)."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that there are too many keys, that one is too short, or given twice."""
        if len(self.keys) > MOST_KEYS:
            yield ("Keys",), f"expected {MOST_KEYS} keys at most"
        given = [each.value for each in self.keys if each.value is not None]
        if any(len(value) < SHORTEST_KEY for value in given):
            yield ("Keys",), f"expected keys of {SHORTEST_KEY} characters or more"
        files = [each.file for each in self.keys if each.file is not None]
        if len({*given}) + len({*files}) < len(self.keys):
            yield ("Keys",), "expected each key once"
