"""The client that is generated from the OpenAPI document has every operation, uploads too."""

import ast
from pathlib import Path

import pytest

from campaign_api.web.routing.operation_ids import OPERATION_IDS
from tests.support.generated_client import generate

UPLOADS = {
    "recipient_lists/create_recipient_list": "File | CreateRecipientListFilesBody",
    "suppressions/import_suppressions": "File",
}
"""Modules of operations that take a file, with the type of their bodies: a file, or a form."""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("generated"))


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
