"""Migrations only add, so that services of the version before go on beside them.

The one that renames is the one before which services are stopped.
"""

import re
from importlib import resources

import pytest

from campaign_common.schema.stopped_services import NEEDS_STOP

FOLDER = resources.files("campaign_common").joinpath("migrations")
FILES = sorted(
    file.name
    for file in FOLDER.iterdir()
    if file.name.endswith(".sql") and not file.name.endswith(".rollback.sql")
)
TAKES_AWAY = re.compile(r"\b(DROP|RENAME|MODIFY|CHANGE|TRUNCATE|DELETE|UPDATE)\b")
ADDED_COLUMN = re.compile(r"ADD COLUMN (\w+) ((?:\([^)]*\)|[^,'])+)")


def statements(name: str) -> str:
    text = FOLDER.joinpath(name).read_text()
    return re.sub(r"--.*|@change", "", text)


@pytest.mark.parametrize("name", [name for name in FILES if name != f"{NEEDS_STOP}.sql"])
def test_a_migration_takes_nothing_away(name: str) -> None:
    assert not TAKES_AWAY.search(statements(name))


@pytest.mark.parametrize("name", FILES)
def test_an_added_column_may_be_left_out_by_who_does_not_know_it(name: str) -> None:
    for column, definition in ADDED_COLUMN.findall(statements(name)):
        assert re.search(r"(?<!NOT )NULL|DEFAULT", definition), column


@pytest.mark.parametrize("name", FILES)
def test_a_migration_may_be_repeated_after_it_was_killed(name: str) -> None:
    text = statements(name)
    assert text.count("CREATE TABLE") == text.count("CREATE TABLE IF NOT EXISTS")
    # What is altered is asked for first: both servers commit each change by itself.
    altering = [line for line in text.splitlines() if re.search("ALTER TABLE|RENAME TABLE", line)]
    assert text.count("information_schema") == len(altering)


def test_each_migration_has_a_number_of_its_own() -> None:
    numbers = [name.partition("_")[0] for name in FILES]
    assert numbers == [f"{number:04}" for number in range(1, len(FILES) + 1)]
