"""`--version` of every command that the project installs."""

import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def command_of(name: str) -> click.Command:
    module, _, attribute = PROJECT["scripts"][name].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


@pytest.mark.parametrize("name", PROJECT["scripts"])
def test_every_command_says_its_version(name: str) -> None:
    """Without a configuration, and whatever the process was started as."""
    ended = CliRunner().invoke(command_of(name), ["--version"], prog_name="python -m anything")
    assert (ended.exit_code, ended.output) == (0, f"{name}, version {PROJECT['version']}\n")
