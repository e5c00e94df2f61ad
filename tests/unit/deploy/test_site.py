"""The configuration of the site makes whatever a reader could stumble over a failure."""

import io
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

pytestmark = pytest.mark.filterwarnings("ignore::sphinx.deprecation.RemovedInSphinx11Warning")

PAGES = Path(__file__).parents[3] / "docs"


def warnings_of(pages: dict[str, str], folder: Path) -> str:
    """Complaints of Sphinx about a site of these pages."""
    for name, text in pages.items():
        file = folder / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = io.StringIO()
    with docutils_namespace():
        Sphinx(
            folder / "pages",
            PAGES,
            folder / "site",
            folder / "doctrees",
            "dummy",
            status=None,
            warning=found,
            freshenv=True,
        ).build()
    return found.getvalue()


INDEX = "# Site\n\n## Guides\n\n- [One](guides/one.md)\n"
ONE = "# One\n\nSee [the rest](#the-rest) and [the start](../index.md#guides).\n\n## The rest\n"


def test_pages_of_the_index_need_no_other_navigation(tmp_path: Path) -> None:
    assert warnings_of({"index.md": INDEX, "guides/one.md": ONE}, tmp_path) == ""


@pytest.mark.parametrize(
    ("page", "text", "warning"),
    [
        pytest.param("guides/one.md", "# One\n\n[two](two.md)\n", "two", id="link to no page"),
        pytest.param("guides/one.md", "# One\n\n[x](#gone)\n", "gone", id="no such heading"),
        pytest.param(
            "guides/one.md", "# One\n\n[x](../index.md#gone)\n", "gone", id="no heading elsewhere"
        ),
        pytest.param("guides/one.md", "# One\n\n![x](no.svg)\n", "no.svg", id="no picture"),
        pytest.param("guides/one.md", "# One\n\n[x](../../no)\n", "no", id="link to no folder"),
        pytest.param("guides/two.md", "# Two\n", "toctree", id="outside the navigation"),
    ],
)
def test_a_reader_is_led_nowhere_wrong(tmp_path: Path, page: str, text: str, warning: str) -> None:
    warnings = warnings_of({"index.md": INDEX, "guides/one.md": ONE} | {page: text}, tmp_path)
    assert "WARNING" in warnings
    assert warning in warnings
