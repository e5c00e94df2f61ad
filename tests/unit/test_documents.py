"""Files, functions and tests that the documents point to are there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
PROTOCOL = REPOSITORY / "docs" / "concepts" / "protocol.md"
GUARANTEES = (REPOSITORY / "docs" / "concepts" / "guarantees.md").read_text()
CHAOS = REPOSITORY / "tests" / "chaos"
SHORT = {
    "admin": "libs/admin/campaign_admin",
    "common": "libs/common/campaign_common",
    "providers": "libs/providers/campaign_providers",
    "scheduler": "services/scheduler/campaign_scheduler",
    "sender": "services/sender/campaign_sender",
    "unit": "tests/unit",
    "integration": "tests/integration",
    "e2e": "tests/e2e",
    "chaos": "tests/chaos",
    "model": "tests/model",
}
"""Beginnings of paths in docs/concepts/protocol.md."""


MENTION = re.compile(r"(?<![\w./{-])docs/[\w/.-]*\w\.(?:md|json|svg)(?:#[\w-]+)?\b")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEXTS = {".md", ".py", ".sh", ".yaml", ".toml", ".json", ""}
FOLDERS = [
    f"{name}/**/*"
    for name in ("benchmarks", "deploy", "docs", "k8s", "libs", "services", "tests", ".ci")
]
LONGEST_README = 150
MOST_WORDS = 45
"""Words of the glossary, for somebody who reads it from its beginning to its end."""
MOST_CONCEPTS = 20
"""Classes that somebody holds who follows one message through the sender."""


def links(document: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" not in target:
            yield target


@cache
def anchors(document: Path) -> set[str]:
    """The anchors of its headings, as code hosts make them: no punctuation, hyphens for blanks."""
    headings = HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def leads_somewhere(folder: Path, document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = folder / path if path else document
    return file.exists() and (not anchor or anchor in anchors(file))


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, below the folders that it consists of."""
    for file in [*REPOSITORY.glob("*"), *(f for name in FOLDERS for f in REPOSITORY.glob(name))]:
        if file.suffix in TEXTS and file.is_file():
            yield file, file.read_text()


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
def test_every_link_leads_somewhere(document: Path) -> None:
    """Files exist, and so do the headings that are named after a `#`."""
    missing = [
        target
        for target in links(document)
        if not leads_somewhere(document.parent, document, target)
    ]
    assert not missing


def test_every_mention_of_a_page_leads_somewhere() -> None:
    """Code, comments, messages, manifests and alerts name pages by their path and heading."""
    mentions = [(file, mention) for file, text in texts() for mention in MENTION.findall(text)]
    assert len(mentions) > 50
    missing = [
        f"{file.relative_to(REPOSITORY)}: {mention}"
        for file, mention in mentions
        if not leads_somewhere(REPOSITORY, file, mention)
    ]
    assert not missing


def test_the_readme_is_short_and_shows_a_picture() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    assert len(readme.splitlines()) <= LONGEST_README
    assert "](docs/concepts/architecture.svg)" in readme


@pytest.mark.parametrize(("file", "name"), sorted(set(references())))
def test_every_place_that_the_protocol_names_exists(file: str, name: str) -> None:
    folder, _, rest = file.partition("/")
    assert name in (REPOSITORY / SHORT[folder] / rest).read_text()


def test_every_rule_says_where_it_is_kept() -> None:
    rules = re.split(r"^## (?=\d+\. )", PROTOCOL.read_text(), flags=re.MULTILINE)[1:]
    assert [int(rule.partition(".")[0]) for rule in rules] == list(range(1, 19))
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


def test_a_message_in_the_sender_has_few_concepts() -> None:
    page = (REPOSITORY / "docs" / "concepts" / "architecture.md").read_text()
    _, _, steps = page.partition("## A message in the sender")
    table = [line for line in steps.partition("\n## ")[0].splitlines() if line.startswith("|")]
    concepts = set(re.findall(r"`([A-Z]\w+)`", "\n".join(table)))
    assert len(table) > 15
    assert len(concepts) <= MOST_CONCEPTS, sorted(concepts)


def test_the_glossary_can_be_read_as_a_whole() -> None:
    page = (REPOSITORY / "docs" / "concepts" / "glossary.md").read_text()
    words = re.findall(r"^- \*\*([^*]+)\*\*", page, re.MULTILINE)
    assert 30 < len(words) <= MOST_WORDS
    assert len(set(words)) == len(words)
