"""A client that openapi-python-client generates from the OpenAPI document."""

import subprocess
import sys
from pathlib import Path

from campaign_api.openapi import document

PACKAGE = "generated_campaigns"

CONFIGURATION = """\
post_hooks: []
content_type_overrides:
  application/jsonl: application/octet-stream
  application/vnd.apache.parquet: application/octet-stream
"""
"""Nothing is formatted or checked, which takes long. The generator has to be told
that two kinds of files are files."""


def generate(folder: Path) -> Path:
    """Generate the package in a folder, and return where it is.

    The generator leaves out what it does not understand, with a warning, which fails here.
    """
    (folder / "openapi.json").write_text(document())
    (folder / "configuration.yaml").write_text(CONFIGURATION)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
            *("--path", folder / "openapi.json", "--config", folder / "configuration.yaml"),
            *("--meta", "none", "--output-path", folder / PACKAGE),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in (ended.stdout + ended.stderr).upper()
    return folder / PACKAGE
