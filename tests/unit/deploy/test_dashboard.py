"""The dashboard, the table of metrics and the alert rules agree, and its panels are in order."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from tests.support.dashboard import DASHBOARD, FILE, PANELS, VARIABLES, Query, queries
from tests.unit.deploy.test_alerts import METRICS, RULES, series

QUERIES = list(queries())
LABELS = {
    name: set(re.findall(r"`(\w+)`", labels))
    for name, labels in re.findall(r"^\| `(\w+)` \| \w+ \|([^|]*)\|", METRICS, re.MULTILINE)
}
ADDED_BY_PROMETHEUS = {"job", "instance", "le"}
NOT_SHOWN = {"process_virtual_memory_bytes"}
"""Says nothing of a process whose libraries reserve address space."""

every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
every_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.panel)


def test_it_shows_every_metric_that_is_documented_and_no_other() -> None:
    shown = {name for query in QUERIES for name in series(query.expression)}
    assert shown == LABELS.keys() - NOT_SHOWN


@every_query
def test_a_query_asks_for_labels_that_its_metrics_have(query: Query) -> None:
    for name, selector in re.findall(r"\b((?:campaign|process)_\w+)\{([^}]*)\}", query.expression):
        (metric,) = series(name)
        selected = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert selected <= LABELS[metric] | ADDED_BY_PROMETHEUS
    known = set().union(*(LABELS[name] for name in series(query.expression)))
    for labels in re.findall(r"\b(?:by|ignoring) \(([^)]*)\)", query.expression):
        assert set(labels.split(", ")) <= known | ADDED_BY_PROMETHEUS


@every_query
def test_a_query_can_be_narrowed_to_one_installation(query: Query) -> None:
    selectors = len(re.findall(r"\b(?:campaign|process)_\w+\{job=~\"", query.expression))
    named = len(re.findall(r"\b(?:campaign|process)_\w+", query.expression))
    assert selectors == named > 0


@every_panel
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    legends = [target["legendFormat"] for target in panel["targets"]]
    assert len(set(legends)) == len(legends)


def test_no_two_panels_share_a_place_or_an_id() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in everything)
    for one, other in combinations((panel["gridPos"] for panel in everything), 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )


def test_every_variable_that_is_used_exists() -> None:
    used = set(re.findall(r"\$\{?([a-z]+)\b", FILE.read_text()))
    assert used == {variable["name"] for variable in VARIABLES}


def test_every_alert_is_marked() -> None:
    (marks,) = (
        marked["expr"] for marked in DASHBOARD["annotations"]["list"] if marked["name"] == "Alerts"
    )
    named = re.search(r'alertname=~"([^"]*)"', marks)
    assert named
    assert named[1].split("|") == [rule["alert"] for rule in RULES]


def test_the_file_is_as_grafana_writes_it() -> None:
    assert FILE.read_text() == json.dumps(DASHBOARD, indent=2, ensure_ascii=False) + "\n"
