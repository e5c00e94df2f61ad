"""Presets and their pages say the same."""

import re
from typing import Any

import pytest

from campaign_common.settings.presets import preset_document, preset_names
from tests.support.providers.pages import FOLDER, INDEX, read_page, table

PRESETS = preset_names()
NOT_OF_THE_GATEWAY = {"callbacks", "index", "writing-one"}
MESSAGES = {word: message for word, message, _ in table(INDEX.read_text(), "Word")}


def words_in_rules(preset: str) -> set[str]:
    """Every value that a rule compares a code with."""
    return set(values_of(preset_document(preset)["Answers"]))


def values_of(rules: list[dict[str, Any]]) -> list[str]:
    values: list[str] = []
    for rule in rules:
        values += [rule["Text"]] if "Text" in rule else []
        for wanted in rule.get("Json", {}).values():
            if not isinstance(wanted, dict | bool):
                values += map(str, wanted if isinstance(wanted, list) else [wanted])
    return values


def test_every_preset_has_a_page_and_a_line_of_the_index() -> None:
    pages = {page.stem for page in FOLDER.glob("*.md")} - NOT_OF_THE_GATEWAY
    listed = [re.findall(r"\[(\w+)\]", cells[0])[0] for cells in table(INDEX.read_text(), "Preset")]
    assert len(PRESETS) >= 12
    assert pages == set(PRESETS)
    assert sorted(listed) == sorted(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_index_says_what_the_preset_says(preset: str) -> None:
    (cells,) = (each for each in table(INDEX.read_text(), "Preset") if f"[{preset}]" in each[0])
    document = preset_document(preset)
    suppresses = any(rule.get("Effect") == "suppress" for rule in document["Answers"])
    takes_templates = "{template.name}" in str(document["Body"])
    idempotent = document["Idempotent"]
    assert cells[2] == ("templates" if takes_templates else "texts")
    assert cells[3] == ("no" if idempotent is False else "for 24 h")
    assert cells[4] == ("yes" if suppresses else "no")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_code_of_a_rule_is_explained(preset: str) -> None:
    """The page explains the values that a rule looks for, where an answer of it is tested."""
    explained = " ".join(code for row in read_page(preset).rows for code in row.codes)
    whole = {code for row in read_page(preset).rows for code in row.codes}
    missing = {
        value
        for value in words_in_rules(preset)
        if value not in whole and (value.isdigit() or value.lower() not in explained.lower())
    }
    assert not missing - {"dempoten", 'Success "'}


@pytest.mark.parametrize("preset", PRESETS)
def test_each_row_promises_what_its_word_means(preset: str) -> None:
    rows = read_page(preset).rows
    assert len(rows) > 5
    assert [row.message for row in rows] == [MESSAGES[row.word.partition(",")[0]] for row in rows]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_its_sources_and_its_page(preset: str) -> None:
    file = FOLDER.parents[1] / "libs/common/campaign_common/settings/presets" / f"{preset}.yaml"
    head = [line for line in file.read_text().splitlines() if line.startswith("#")]
    assert f"docs/providers/{preset}.md" in "\n".join(head)
    assert re.search(r"https://|\bSDK\b|User's Guide", "\n".join(head))
