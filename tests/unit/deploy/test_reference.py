"""The reference of the configuration is the one that follows from the declarations."""

import re
from pathlib import Path

import pytest

from reference.__main__ import EXAMPLE, PAGE, main
from reference.entries import Entry, entries_of
from reference.example import example_file
from reference.page import generated_page

ENTRIES = list(entries_of())


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == generated_page(page, ENTRIES), "run `make reference`"


def test_the_example_is_up_to_date() -> None:
    assert EXAMPLE.read_text() == example_file(ENTRIES), "run `make reference`"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: ".".join(entry.path))
def test_a_meaning_is_made_of_sentences(entry: Entry) -> None:
    assert re.match(r"[A-Z`]", entry.meaning)
    assert entry.meaning.endswith((".", ".)"))


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["check", "write"])
def test_a_file_that_differs_is_named(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outdated = tmp_path / "campmgr.yaml"
    outdated.write_text("Port: 1\n")
    monkeypatch.setattr("reference.__main__.EXAMPLE", outdated)
    monkeypatch.setattr("reference.__main__.REPOSITORY", tmp_path)
    monkeypatch.setattr("sys.argv", ["reference", *arguments])
    assert main() == (1 if arguments else 0)
    assert capsys.readouterr().out.startswith("campmgr.yaml")
    assert (outdated.read_text() == example_file(ENTRIES)) is not bool(arguments)
