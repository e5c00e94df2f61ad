"""The dashboard's queries, written out as Grafana would send them."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.servers.prometheus import SCRAPE_SECONDS, PrometheusServer

FILE = Path(__file__).parents[2] / "deploy" / "monitoring" / "dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]


class Query(NamedTuple):
    """A query, and the panel that it is for."""

    panel: str
    expression: str


class LabelValues(NamedTuple):
    """The source of a variable's values."""

    variable: str
    series: str
    label: str


def queries(macros: Mapping[str, str] | None = None) -> Iterator[Query]:
    """Every query of every panel, with all values of the variables chosen."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield Query(panel["title"], written_out(target["expr"], macros or {}))


def unanswered(prometheus: PrometheusServer, start: float, end: float) -> list[str]:
    """The panels and variables for which a Prometheus has nothing to show from `start` to `end`."""
    macros = {"__rate_interval": f"{5 * SCRAPE_SECONDS}s", "__range": "1m"}
    panels = [
        f"{query.panel}: {query.expression}"
        for query in queries(macros)
        if not any(
            math.isfinite(value)
            for values in prometheus.over_time(query.expression, start, end)
            for value in values
        )
    ]
    variables = [
        source.variable
        for source in variable_queries()
        if not prometheus.ask(f"label/{source.label}/values", **{"match[]": source.series})
    ]
    return panels + variables


def variable_queries() -> Iterator[LabelValues]:
    for variable in VARIABLES:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found, variable["name"]
            yield LabelValues(variable["name"], written_out(found[1], {}), found[2])


def written_out(expression: str, macros: Mapping[str, str]) -> str:
    chosen = {
        variable["name"]: variable["allValue"] for variable in VARIABLES if "allValue" in variable
    }
    for name, value in {**chosen, **macros}.items():
        expression = re.sub(rf"\${name}\b", value, expression)
    return expression
