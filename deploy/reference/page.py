"""The tables of docs/reference/configuration.md, between markers in its hand-written prose."""

import re
from collections.abc import Sequence

import yaml

from reference.entries import Entry

OTHER_KEYS = "Service"
"""The table of all keys at the top of the file that no other table shows."""

_HEAD = "| key | default | values | meaning |\n| --- | --- | --- | --- |\n"
_TABLE = re.compile(r"(<!-- generated: (\w+) -->\n\n).*?(\n<!-- end -->)", re.DOTALL)


def generated_page(page: str, entries: Sequence[Entry]) -> str:
    """Return `page` with its tables made from `entries`.

    The marker of a table names a section, or a key at the top of the file, or is `OTHER_KEYS`.
    """
    tables = {found[2] for found in _TABLE.finditer(page)}

    def table(found: re.Match[str]) -> str:
        rows = [_row(each) for each in entries if _table_of(each, tables) == found[2]]
        return f"{found[1]}{_HEAD}{''.join(rows)}{found[3]}"

    return _TABLE.sub(table, page)


def _table_of(entry: Entry, tables: set[str]) -> str | None:
    if entry.is_section:
        return None
    return entry.path[0] if entry.path[0] in tables else OTHER_KEYS


def _row(entry: Entry) -> str:
    key = f"`{'.'.join(entry.path)}`{' °' * entry.key.original}"
    return f"| {key} | {_default(entry)} | {entry.key.kind.values} | {entry.meaning} |\n"


def _default(entry: Entry) -> str:
    if entry.required:
        return "*required*"
    if entry.example is not entry.key.default:
        return "none"
    text = yaml.safe_dump(entry.key.default, default_flow_style=True, sort_keys=False, width=1_000)
    return f"`{text.strip().removesuffix('...').strip()}`"
