import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from marshmallow import Schema, fields

from campaign_common.settings import Settings
from campaign_common.settings.declaration import schema_of

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
CONFIGURATION = (REPOSITORY / "docs" / "reference" / "configuration.md").read_text()
MAKEFILE = (REPOSITORY / "Makefile").read_text()
DEPLOYED = yaml.safe_load((REPOSITORY / "deploy" / "campmgr.yaml").read_text())

ROW = re.compile(r"^\| `(?P<key>[A-Za-z.]+)`(?: °)? \| (?P<default>[^|]+) \|", re.MULTILINE)
MADE_FROM_OTHERS = {"Mysql.Addr", "SendClient.Topics"}
"""Keys whose default is no value of their own; the page says in words what happens."""


def keys_of(schema: Schema, above: str = "") -> Iterator[tuple[str, bool]]:
    """Every key with its path, and whether it is required."""
    for field in schema.fields.values():
        path = f"{above}{field.data_key}"
        if isinstance(field, fields.Nested):
            yield from keys_of(field.schema, f"{path}.")
        else:
            yield path, field.required


def deployed_value(path: str) -> object:
    value = DEPLOYED
    for name in path.split("."):
        value = value[name]
    return value


REQUIRED = dict(keys_of(schema_of(Settings)()))
DOCUMENTED = {row["key"]: row["default"].strip() for row in ROW.finditer(CONFIGURATION)}


NAMED = ("Providers.NAME.", "Routes.NAME.", "Unsubscribe.Texts.NAME.")


def test_every_key_is_documented_and_no_other() -> None:
    """Keys of sections with names of their own are compared when they are generated."""
    named = {key for key in DOCUMENTED if key.startswith(NAMED)}
    assert named
    assert sorted(DOCUMENTED.keys() - named) == sorted(REQUIRED)


@pytest.mark.parametrize("path", [path for path, required in REQUIRED.items() if required])
def test_a_required_key_is_called_required(path: str) -> None:
    assert DOCUMENTED[path] == "*required*"


@pytest.mark.parametrize(
    "path",
    [path for path, required in REQUIRED.items() if not required | (path in MADE_FROM_OTHERS)],
)
def test_a_documented_default_is_the_one_in_force(path: str) -> None:
    # deploy/campmgr.yaml holds every default, which the tests of the settings hold it to.
    assert yaml.safe_load(DOCUMENTED[path].strip("`")) == deployed_value(path)


def test_every_make_target_that_the_readme_names_exists() -> None:
    commands = " ".join(re.findall(r"```.*?```|`[^`]+`", README, re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z]+)", commands))
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
    assert {"demo", "run", "test"} <= named <= targets
