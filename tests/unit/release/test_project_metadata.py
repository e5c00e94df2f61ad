"""Summary, licence, contact and key words of each distribution, from its pyproject.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from trove_classifiers import classifiers

from release.images import REPOSITORY

LONGEST_SUMMARY = 120
"""Characters that one line of a list of packages has room for."""

PROJECTS = [REPOSITORY / "pyproject.toml", *sorted(REPOSITORY.glob("libs/*/pyproject.toml"))]
OF_THE_WHOLE = ("version", "license", "requires-python", "maintainers")
"""Fields that are the same in every distribution."""


def project(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(path.read_text())["project"]
    return found


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_a_distribution_says_what_it_is_and_whose(path: Path) -> None:
    """Summary, page, licence with its text, contact, words to find it by."""
    fields = project(path)
    summary = fields["description"]
    assert summary.endswith(".")
    assert len(summary) <= LONGEST_SUMMARY
    for named in (fields["readme"], *fields["license-files"]):
        assert (path.parent / named).read_text().strip()
    assert fields["keywords"] == sorted(set(fields["keywords"]))
    assert fields["classifiers"] == sorted(set(fields["classifiers"]) & classifiers)
    whole = project(PROJECTS[0])
    assert {name: fields[name] for name in OF_THE_WHOLE} == {
        name: whole[name] for name in OF_THE_WHOLE
    }


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_the_licence_of_a_distribution_is_that_of_all(path: Path) -> None:
    texts = [(path.parent / named).read_bytes() for named in project(path)["license-files"]]
    assert texts == [(REPOSITORY / "LICENSE").read_bytes()]
