"""Site of these pages (`make docs`), built by Sphinx without the network.

The pages are plain Markdown and read the same in the repository. Lists of links make the
navigation: the sections of index.md, the decisions and the providers. A page that is in none, a
link that leads nowhere and a missing anchor are warnings, and `make docs` fails on a warning.
"""

import re
import tomllib
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parents[1]
NAVIGATION = ("index", "decisions/README", "providers/index")

with (REPOSITORY / "pyproject.toml").open("rb") as file:
    _PROJECT = tomllib.load(file)["project"]

project = _PROJECT["name"]
version = release = _PROJECT["version"]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
# Transcripts show JSON with omissions, which no lexer takes.
suppress_warnings = ["misc.highlighting_failure"]

_OUTWARD = re.compile(r"\[([^]]+)\]\(((?:\.\./)+[^):#]+)\)")
_SECTION = re.compile(r"^## ", re.MULTILINE)
_PAGE = re.compile(r"\]\(([^):#]+)\.md\)")


def setup(app: Sphinx) -> None:
    """Connect what changes the source of a page, and take diagrams as text."""
    app.connect("source-read", _unlink_repository)
    app.connect("source-read", _add_navigation)
    app.add_lexer("mermaid", TextLexer)


def _unlink_repository(app: Sphinx, page: str, source: list[str]) -> None:
    """Leave the text of links to folders and documents of the repository that the site lacks.

    A link to another file of it becomes a download.
    """

    def text_or_link(link: re.Match[str]) -> str:
        target = (Path(app.srcdir) / page).parent.joinpath(link[2]).resolve()
        outside = not target.is_relative_to(Path(app.srcdir).resolve())
        unlinked = target.is_dir() or (target.suffix == ".md" and target.exists())
        return link[1] if outside and unlinked else link[0]

    source[0] = _OUTWARD.sub(text_or_link, source[0])


def _add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append a table of contents for each section of a page that lists others."""
    if page in NAVIGATION:
        source[0] += "".join(map(_contents, _SECTION.split(source[0])))


def _contents(section: str) -> str:
    pages = [page for page in _PAGE.findall(section) if not page.startswith("..")]
    if not pages:
        return ""
    heading = section.partition("\n")[0]
    caption = "" if heading.startswith("#") else f":caption: {heading}\n"
    return "\n```{toctree}\n:hidden:\n" + caption + "\n".join(["", *pages]) + "\n```\n"
