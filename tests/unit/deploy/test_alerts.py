"""The alert rules, the runbook and the table of metrics agree."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
MONITORING = REPOSITORY / "deploy" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
TESTS: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts_test.yaml").read_text())["tests"]
RUNBOOK = (REPOSITORY / "docs" / "operations" / "runbook.md").read_text()
METRICS = (REPOSITORY / "docs" / "reference" / "metrics.md").read_text()
SECTIONS = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
DOCUMENTED = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", METRICS, re.MULTILINE))

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def series(text: str) -> set[str]:
    """The metrics that a text names, histograms without their suffix."""
    found = set(re.findall(r"\b(?:campaign|process)_[a-z_]+[a-z]\b", text))
    return {
        short if (short := re.sub(r"_(bucket|sum|count)$", "", name)) in DOCUMENTED else name
        for name in found
    }


def test_alerts_and_sections_of_the_runbook_are_the_same() -> None:
    """Every alert has a section of the runbook and no section is without one."""
    assert [rule["alert"] for rule in RULES] == SECTIONS


@every_rule
def test_an_alert_leads_to_its_section(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook"] == f"docs/operations/runbook.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in {"page", "ticket"}


@every_rule
def test_an_alert_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    asked = series(rule["expr"])
    assert asked
    assert asked <= DOCUMENTED.keys()


@every_rule
def test_an_alert_is_shown_to_fire_and_to_keep_quiet(rule: dict[str, Any]) -> None:
    shown = {
        bool(one.get("exp_alerts"))
        for test in TESTS
        for one in test["alert_rule_test"]
        if one["alertname"] == rule["alert"]
    }
    assert shown == {True, False}


def test_the_runbook_names_metrics_that_exist() -> None:
    assert series(RUNBOOK) <= DOCUMENTED.keys()


def test_the_queries_ask_for_metrics_that_exist() -> None:
    assert series(METRICS.partition("## Asking")[2]) <= DOCUMENTED.keys()
