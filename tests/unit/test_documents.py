"""What the documents point to is there: files, functions, tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")]
)
PROTOCOL = REPOSITORY / "docs" / "protocol.md"
GUARANTEES = (REPOSITORY / "docs" / "guarantees.md").read_text()
CHAOS = REPOSITORY / "tests" / "chaos"
SHORT = {
    "admin": "libs/admin/campaign_admin",
    "common": "libs/common/campaign_common",
    "scheduler": "services/scheduler/campaign_scheduler",
    "sender": "services/sender/campaign_sender",
    "unit": "tests/unit",
    "integration": "tests/integration",
    "chaos": "tests/chaos",
    "model": "tests/model",
}
"""How docs/protocol.md begins its paths."""


def links(document: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" not in target:
            yield target.split("#")[0]


def references() -> Iterator[tuple[str, str]]:
    """Every file that the protocol names, with each name that is said to be in it."""
    file = ""
    for token, stop in re.findall(r"`([^`\s]+)`([^`]?)", PROTOCOL.read_text()):
        path, _, test = token.partition("::")
        if path.endswith(".py") and "/" in path:
            file = path
            yield file, test
        elif file and token.isidentifier():
            yield file, token
        if stop in (";", "."):
            file = ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    missing = [target for target in links(document) if not (document.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize(("file", "name"), sorted(set(references())))
def test_every_place_that_the_protocol_names_exists(file: str, name: str) -> None:
    folder, _, rest = file.partition("/")
    assert name in (REPOSITORY / SHORT[folder] / rest).read_text()


def test_every_rule_says_where_it_is_kept() -> None:
    rules = re.split(r"^## (?=\d+\. )", PROTOCOL.read_text(), flags=re.MULTILINE)[1:]
    assert [int(rule.partition(".")[0]) for rule in rules] == list(range(1, 17))
    assert all(
        "- Code: " in rule and ("- Tests: " in rule or "**Not yet:**" in rule) for rule in rules
    )


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`([a-z_/]+\.py)`", GUARANTEES))))
def test_every_test_that_the_guarantees_name_exists(test: str) -> None:
    assert (REPOSITORY / "tests" / test).is_file()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"`(campaign_\w+\.[\w.]+)`", GUARANTEES))))
def test_every_module_that_the_guarantees_name_exists(module: str) -> None:
    path = module.replace(".", "/")
    assert [*REPOSITORY.glob(f"*/*/{path}"), *REPOSITORY.glob(f"*/*/{path}.py")]


def test_every_chaos_test_keeps_a_guarantee() -> None:
    tests = {f"chaos/{test.name}" for test in CHAOS.glob("test_*.py")}
    assert {test for test in tests if test not in GUARANTEES} == {"chaos/test_accounts.py"}
