"""k8s/rendered is what the overlays come to, and what Kubernetes takes."""

import difflib
import json
import os
import subprocess

import kubernetes_validate
import pytest
from kubernetes_validate.utils import all_versions

from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError, ProgramMissingError
from manifests.kustomize import Kustomize, find_kustomize
from manifests.rendering import OVERLAYS, RENDERED, overlays, render, rendered_file
from tests.unit.deploy.manifests import EVERYTHING, Document

OLDEST = "1.25"
"""The oldest Kubernetes of docs/operations/overview.md: restricted pod security is in it."""

OF_KUBERNETES = {
    json.dumps(found, sort_keys=True): found
    for documents in EVERYTHING.values()
    for found in documents
    if not found["apiVersion"].startswith("keda.sh/")
}
"""Every document once, though most are in several overlays."""


def label(found: Document) -> str:
    return f"{found['kind']}-{found['metadata']['name']}"


@pytest.fixture(scope="module")
def kustomize(cache: Cache) -> Kustomize:
    try:
        return find_kustomize(cache)
    except (ProgramMissingError, DownloadError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("overlay", overlays())
def test_what_is_kept_is_what_the_overlay_comes_to(kustomize: Kustomize, overlay: str) -> None:
    kept = rendered_file(overlay).read_text().splitlines()
    now = render(kustomize, overlay).splitlines()
    changes = "\n".join(difflib.unified_diff(kept, now, lineterm="", n=1))
    assert not changes, f"make manifests writes it anew:\n{changes}"


def test_nothing_is_kept_of_overlays_that_are_gone() -> None:
    assert {file.stem for file in RENDERED.glob("*.yaml")} == set(overlays())


def test_a_mistake_in_an_overlay_is_an_error(kustomize: Kustomize) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        kustomize.render(OVERLAYS / "missing")


@pytest.mark.parametrize("version", [OLDEST, all_versions()[-1]])
@pytest.mark.parametrize("found", OF_KUBERNETES.values(), ids=label)
def test_kubernetes_takes_every_document(found: Document, version: str) -> None:
    kubernetes_validate.validate(dict(found), version, strict=True)


def test_the_schemas_know_a_mistake() -> None:
    deployment = json.loads(
        next(text for text, found in OF_KUBERNETES.items() if found["kind"] == "Deployment")
    )
    deployment["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, OLDEST, strict=True)
