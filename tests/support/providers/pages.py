"""The pages of docs/providers as data: what to enter, and what answers mean."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.providers.vendors.vendor import EMPTY, Scripted

FOLDER = Path(__file__).parents[3] / "docs" / "providers"
INDEX = FOLDER / "index.md"

NO_ANSWER = "no answer"
NO_CODE = "none"
ANY_2XX = "2xx"
CLASSES = {ANY_2XX: (200,), "5xx": (500, 502)}
"""Status codes that are tried for a class."""

_CODE = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """A row of the table of answers."""

    answer: str
    codes: tuple[str, ...]
    word: str
    message: str

    def answers(self) -> Iterator[Scripted]:
        """The answers that the row is for; none where there is no answer."""
        if self.answer != NO_ANSWER:
            statuses = CLASSES.get(self.answer) or (int(self.answer),)
            yield from (Scripted(*each) for each in product(statuses, self.codes or ("",)))
        if self.answer == ANY_2XX:
            yield EMPTY


class Page(NamedTuple):
    """A page of a preset."""

    preset: str
    entered: dict[str, Any]
    """The example of what to enter."""
    rows: tuple[Row, ...]
    receipts: dict[str, Any]
    """The example of the keys for receipts."""

    @property
    def name(self) -> str:
        """The name of the example's provider."""
        (name,) = self.entered["Providers"]
        return str(name)

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of the example's provider."""
        keys: dict[str, Any] = self.entered["Providers"][self.name]
        return keys

    @property
    def keys_with_receipts(self) -> dict[str, Any]:
        """The keys of the example's provider, with those that receipts need beside them."""
        more: dict[str, Any] = self.receipts.get("Providers", {}).get(self.name, {})
        assert set(self.receipts.get("Providers", {})) <= {self.name}
        secrets = {**self.keys["Secrets"], **more.get("Secrets", {})}
        return {**self.keys, **more, "Secrets": secrets}


@cache
def read_page(preset: str) -> Page:
    """Read the page of a preset."""
    text = (FOLDER / f"{preset}.md").read_text()
    example = text.split("```yaml\n")[1].split("```")[0]
    rows = tuple(
        Row(
            answer.strip("`"),
            () if codes == NO_CODE else tuple(_CODE.findall(codes)),
            word,
            message,
        )
        for answer, codes, _, word, message in table(text, "Answer")
    )
    receipts = text.partition("\n## Receipts\n")[2].split("```yaml\n")[1].split("```")[0]
    return Page(preset, yaml.safe_load(example), rows, yaml.safe_load(receipts))


def table(text: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    _, _, below = text.partition(f"\n| {first} |")
    lines = below.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
