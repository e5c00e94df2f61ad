"""A client that openapi-python-client generates from the OpenAPI document."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from campaign_api.openapi import document
from campaign_api.web.routing.operation_ids import OPERATION_IDS

PLAIN = "post_hooks: []\n"
"""Configuration: what is generated is neither formatted nor checked, which takes long."""

UPLOADS = {
    "recipient_lists/create_recipient_list": "File | CreateRecipientListFilesBody",
    "suppressions/import_suppressions": "File",
}
"""Modules of operations that take a file, with the type of their bodies: a file, or a form."""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generator leaves out what it does not understand, with a warning, which fails here."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(document())
    (folder / "plain.yaml").write_text(PLAIN)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
            *("--path", folder / "openapi.json", "--config", folder / "plain.yaml"),
            *("--meta", "none", "--output-path", folder / "campaigns"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in (ended.stdout + ended.stderr).upper()
    return folder / "campaigns"


def test_every_operation_is_generated(generated: Path) -> None:
    names = {path.stem for path in (generated / "api").glob("*/*.py")} - {"__init__"}
    assert names == set(OPERATION_IDS.values())


@pytest.mark.parametrize(("module", "body"), UPLOADS.items())
def test_uploads_take_a_file(generated: Path, module: str, body: str) -> None:
    tree = ast.parse((generated / "api" / f"{module}.py").read_text())
    (sending,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "sync"
    )
    types = {
        argument.arg: ast.unparse(argument.annotation)
        for argument in sending.args.kwonlyargs
        if argument.annotation is not None
    }
    assert types["body"].removesuffix(" | Unset") == body
