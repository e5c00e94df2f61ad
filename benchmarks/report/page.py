"""Results as one self-contained HTML page."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from benchmarks.report.plots import plots
from benchmarks.report.tables import cells
from benchmarks.results import CaseResult, Results, as_json
from benchmarks.targets import verdict

TEMPLATE = "page.html"


def write_page(results: Results, file: Path) -> None:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    about = results.machine | results.servers
    page = environment.get_template(TEMPLATE).render(
        measured_at=results.measured_at,
        about={name: as_json(value) for name, value in about.items()},
        cases=[_case(result) for result in results.cases],
    )
    file.write_text(page, encoding="utf-8")


def _case(result: CaseResult) -> dict[str, object]:
    return {
        "title": f"{result.scenario}: {result.case}",
        "runs": len(result.runs),
        "rows": [(*cells(each), verdict(result, each)) for each in result.summaries()],
        "plots": [(title, b64encode(drawn).decode()) for title, drawn in plots(result)],
    }
