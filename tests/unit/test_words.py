"""The tables of public words that changed agree with each other and with what there is."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from campaign_api.web.http.problems import PROBLEM_TYPES

REPOSITORY = Path(__file__).parents[2]
(UPGRADING,) = (REPOSITORY / "docs").rglob("upgrading.md")
(METRICS,) = (REPOSITORY / "docs").rglob("metrics.md")
(OPENAPI,) = (REPOSITORY / "docs").rglob("openapi.json")
ALERTS = REPOSITORY / "deploy" / "monitoring" / "alerts.yaml"

TABLE = re.compile(r"^#{3,4} (.+)\n\n((?:\|.*\n)+)", re.MULTILINE)
LOGGING = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "_stop_fetching", "log_change"}
)
"""Functions whose first argument is the event of a log line."""

Row = tuple[str, ...]


def tables(document: Path, heading: str) -> dict[str, list[Row]]:
    """The rows of each table under a heading, without their marks as code."""
    _, _, section = document.read_text().partition(f"\n{heading}\n")
    end = re.search(rf"^{'#' * heading.index(' ')} |^## ", section, re.MULTILINE)
    return {
        title.strip("`"): [
            tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))
            for line in lines.strip().split("\n")[2:]
        ]
        for title, lines in TABLE.findall(section[: end.start()] if end else section)
    }


WORDS = tables(UPGRADING, "## Words that changed with 0.2.0")
SCHEMAS = json.loads(OPENAPI.read_text())["components"]["schemas"]


def words(table: str) -> pytest.MarkDecorator:
    """Parametrize a test with the rows of a table."""
    return pytest.mark.parametrize("row", WORDS[table], ids=lambda row: row[0])


def sources(folder: str) -> Iterator[ast.Module]:
    """The modules below `libs` or `services` that lie in a folder of this name."""
    for package in ("libs", "services"):
        for file in (REPOSITORY / package).rglob("*.py"):
            if folder in file.relative_to(REPOSITORY).parts:
                yield ast.parse(file.read_text())


@cache
def strings(folder: str) -> set[str]:
    """All strings, parts of strings and names of fields in the folders of this name."""
    found: set[str] = set()
    for module in sources(folder):
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


@cache
def logged() -> dict[str, set[str]]:
    """The keys of each event that is logged; "" stands for events that are variables."""
    keys: dict[str, set[str]] = defaultdict(set)
    for module in (*sources("libs"), *sources("services")):
        for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name == "Outage":  # has its events as arguments, and logs them itself
                began, ended, *_ = call.args
                for event, key in ((began, "error"), (ended, "seconds")):
                    assert isinstance(event, ast.Constant)
                    keys[str(event.value)].add(key)
            if name not in LOGGING or not call.args:
                continue
            parts = [node for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
            for event in [str(part.value) for part in parts] or [""]:
                keys[event] |= {keyword.arg for keyword in call.keywords if keyword.arg}
    return keys


def metric_row(metric: str) -> str:
    (line,) = re.findall(rf"^\| `{metric}` \|.*$", METRICS.read_text(), re.MULTILINE)
    return str(line)


def test_the_changelog_has_the_same_tables() -> None:
    assert tables(REPOSITORY / "CHANGELOG.md", "### Renamed") == WORDS


def test_no_table_lacks_its_check() -> None:
    assert list(WORDS) == [
        "API fields",
        "API values",
        "Problem types",
        "Schemas of the OpenAPI document",
        "Metrics",
        "Metric labels",
        "Alert rules",
        "Log events",
        "Log keys",
        "campaign doctor",
        "Probes",
        "Commands",
    ]


@words("API fields")
def test_api_fields(row: Row) -> None:
    old, new, names = row[:3]
    for name in names.split(", "):
        assert new in SCHEMAS[name]["properties"]
        assert old not in SCHEMAS[name]["properties"]


@words("API values")
def test_api_values(row: Row) -> None:
    field, _, name = row[2].partition(" of ")
    values = SCHEMAS[name]["properties"][field]["enum"]
    assert (row[0] in values, row[1] in values) == (False, True)


@words("Problem types")
def test_problem_types(row: Row) -> None:
    names = {problem.name for problem in PROBLEM_TYPES.values()}
    assert (row[0] in names, row[1] in names) == (False, True)


@words("Schemas of the OpenAPI document")
def test_schemas(row: Row) -> None:
    assert (row[0] in SCHEMAS, row[1] in SCHEMAS) == (False, True)


@words("Metrics")
def test_metrics(row: Row) -> None:
    assert metric_row(row[1])
    assert f"`{row[0]}`" not in METRICS.read_text()


@words("Metric labels")
def test_metric_labels(row: Row) -> None:
    line = metric_row(row[2])
    (old_label, old), (new_label, new) = (cell.replace('"', "").split("=") for cell in row[:2])
    assert f"`{new_label}`" in line.split("|")[3]
    assert (new_label == old_label) == (f"`{old_label}`" in line.split("|")[3])
    if new != "…":
        assert f"`{old}`" not in line
        assert f"`{new}`" in line


@words("Alert rules")
def test_alert_rules(row: Row) -> None:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"]}
    assert (row[0] in names, row[1] in names) == (False, True)


@words("Log events")
def test_log_events(row: Row) -> None:
    assert (row[0] in logged(), row[1] in logged()) == (False, True)


@words("Log keys")
def test_log_keys(row: Row) -> None:
    old, new, events = row[:3]
    for event in events.split(", "):
        keys = logged()[event] or logged()[""]
        assert (old in keys, new in keys) == (False, True)


@words("campaign doctor")
def test_doctor(row: Row) -> None:
    found = strings("doctor")
    assert (row[0] in found, row[1] in found) == (False, True)


@words("Probes")
def test_probes(row: Row) -> None:
    found = strings("services")
    assert (row[0] in found, row[1] in found) == (False, True)


@words("Commands")
def test_commands(row: Row) -> None:
    """A colon, or the last space, stands before the word itself."""
    old, new = (cell.rpartition(": ")[2].rpartition(" --")[2] for cell in row[:2])
    old, new = (word.removeprefix("campaign-db ") for word in (old, new))
    found = {one.removeprefix("--") for one in strings("commands") | strings("campaign")}
    assert (old in found, new in found) == (False, True)
