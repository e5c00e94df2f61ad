"""A client that openapi-python-client generates from the OpenAPI document."""

import subprocess
import sys
from pathlib import Path

from campaign_api.openapi import document

PACKAGE = "generated_campaigns"

PLAIN = "post_hooks: []\n"
"""Configuration: what is generated is neither formatted nor checked, which takes long."""


def generate(folder: Path) -> Path:
    """Generate the package in a folder, and return where it is.

    The generator leaves out what it does not understand, with a warning, which fails here.
    """
    (folder / "openapi.json").write_text(document())
    (folder / "plain.yaml").write_text(PLAIN)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
            *("--path", folder / "openapi.json", "--config", folder / "plain.yaml"),
            *("--meta", "none", "--output-path", folder / PACKAGE),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in (ended.stdout + ended.stderr).upper()
    return folder / PACKAGE
