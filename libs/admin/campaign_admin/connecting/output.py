"""Output of a verb: a table or rows as text, JSON, or a JSON object a line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from campaign_admin.connecting.options import given, output_of

if TYPE_CHECKING:
    from campaign_client import Client

JsonObject = dict[str, Any]


def show(context: click.Context, found: JsonObject, rows: JsonObject | None = None) -> None:
    """Print an object: in `-o json` as the API returned it, as text the rows given."""
    output = output_of(context)
    if output == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif output == "jsonl":
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        shown = found if rows is None else rows
        width = max((len(label) for label in shown), default=0)
        for label, value in shown.items():
            if value is not None:
                click.echo(f"{label:<{width}}  {printable_value(value)}")


def show_page(
    context: click.Context,
    client: "Client",
    path: str,
    key: str,
    columns: Sequence[str],
    parameters: Mapping[str, str | int | None],
    *,
    every: bool = False,
) -> None:
    """Print a page of a collection, as the API returned it in `-o json`, or all pages."""
    if every:
        wanted = {name: value for name, value in parameters.items() if name != "limit"}
        page: JsonObject = {key: client.pages(path, key, **wanted), "next_cursor": None}
        if output_of(context) == "json":
            page[key] = list(page[key])
    else:
        page = client.get(path, **parameters)
    if output_of(context) == "json":
        click.echo(json.dumps(page, indent=2, ensure_ascii=False))
        return
    show_rows(context, page[key], columns)
    if page.get("next_cursor") is not None and not given(context, "quiet"):
        click.echo("there are more; see them with --all", err=True)


def show_rows(context: click.Context, items: Iterable[JsonObject], columns: Sequence[str]) -> None:
    """Print items as they come: a JSON object a line, or columns with tabs between them."""
    if output_of(context) != "text":
        for item in items:
            click.echo(json.dumps(item, ensure_ascii=False))
        return
    if not given(context, "quiet"):
        click.echo("\t".join(columns))
    for item in items:
        click.echo("\t".join(printable_value(_at(item, column)) for column in columns))


def hint(context: click.Context, text: str) -> None:
    """Print a sentence for a person, on stderr where the output is for a program."""
    if not given(context, "quiet"):
        click.echo(text, err=output_of(context) != "text")


def _at(item: JsonObject, column: str) -> Any:  # noqa: ANN401 - any JSON
    found: Any = item
    for name in column.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def printable_value(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a value as one line without what a terminal would obey."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
