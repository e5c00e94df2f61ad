"""docs/reference/commands.md and the commands have the same verbs, options and exit codes."""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from campaign_admin.connecting.exit_codes import ExitCode
from campaign_admin.connecting.options import standard_parameters

REPOSITORY = Path(__file__).parents[3]
SCRIPTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
PAGE = (REPOSITORY / "docs" / "reference" / "commands.md").read_text()
ROW = re.compile(r"^\| `campaign.*$", re.MULTILINE)
EXIT_CODE = re.compile(r"^\| ([0-9]+) \| .*$", re.MULTILINE)
SUMMARY = 200
"""Characters of the first sentence of a help text, all of them."""


def command_of(script: str) -> click.Command:
    module, _, attribute = SCRIPTS[script].partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


def contexts(
    command: click.Command, name: str, above: click.Context | None
) -> Iterator[click.Context]:
    """Every command below one that runs by itself."""
    context = click.Context(command, info_name=name, parent=above)
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from contexts(below, each, context)


def of_every_verb() -> set[str]:
    return {parameter.opts[0] for parameter in standard_parameters()} | {"-c", "--version"}


def row(context: click.Context) -> str:
    """The command with its arguments, the options of its own, and what it does."""
    arguments, options = [], []
    for parameter in context.command.params:
        if isinstance(parameter, click.Argument):
            arguments.append(parameter.make_metavar(context))
        elif parameter.opts[0] not in of_every_verb():
            options.append(f"`{max(parameter.opts, key=len)}`")
    called = " ".join([context.command_path, *arguments]).replace("|", "\\|")
    summary = context.command.get_short_help_str(SUMMARY).replace("|", "\\|")
    return f"| `{called}` | {' '.join(options)} | {summary} |".replace("|  |", "| |")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_page_has_the_verbs_with_their_options(script: str) -> None:
    """In the order of `--help`; the row of a new one is in the message of the failure."""
    expected = [row(context) for context in contexts(command_of(script), script, None)]
    found = [line for line in ROW.findall(PAGE) if re.match(rf"\| `{script}[ `]", line)]
    assert found == expected, "\n".join(expected)


def test_the_page_has_the_options_of_every_verb() -> None:
    names = {name for parameter in standard_parameters() for name in parameter.opts}
    assert {name for name in names if f"`{name}" not in PAGE} == set()


def test_the_page_has_the_exit_codes() -> None:
    assert [int(code) for code in EXIT_CODE.findall(PAGE)] == list(ExitCode)
