"""Files of the dashboard: those of others are unchanged, and templates obey the policy."""

import re
import tomllib
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
DASHBOARD = REPOSITORY / "services/api/campaign_api/dashboard"
VENDORED = (DASHBOARD / "static/vendor", REPOSITORY / "tests/support/vendor")
TEMPLATES = sorted((DASHBOARD / "templates").rglob("*.html"))
BANNED = {
    "a script in the page": r"<script(?![^>]*\bsrc=)",
    "a style in the page": r"<style|\sstyle\s*=",
    "an event attribute": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on",
    "evaluated values": r"js:|javascript:",
    "a filter of a trigger": r"hx-trigger\s*=\s*[\"'][^\"']*\[",
    "a text that is not escaped": r"\|\s*safe|autoescape\s+false",
    "a foreign address": r"(src|href)\s*=\s*[\"'](https?:)?//",
}


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.parent.name)
def test_files_of_others_are_as_published(folder: Path) -> None:
    packages = tomllib.loads((folder / "vendor.toml").read_text())["package"]
    listed = {file["path"]: file["sha512"] for each in packages for file in each["files"]}
    present = {path.name for path in folder.iterdir()} - {"vendor.toml"}
    assert present == set(listed)
    for name, expected in listed.items():
        digest = sha512((folder / name).read_bytes()).digest()
        assert b64encode(digest).decode() == expected, name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("rule", BANNED)
def test_a_template_obeys_the_policy(template: Path, rule: str) -> None:
    assert not re.search(BANNED[rule], template.read_text(), re.IGNORECASE)


def test_the_stylesheet_is_short() -> None:
    assert len((DASHBOARD / "static/dashboard.css").read_text().splitlines()) <= 400
