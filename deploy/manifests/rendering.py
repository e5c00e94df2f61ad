"""The overlays in k8s/overlays, and their rendered files in k8s/rendered."""

from collections.abc import Iterator
from pathlib import Path

from manifests.kustomize import Kustomize

REPOSITORY = Path(__file__).resolve().parents[2]
OVERLAYS = REPOSITORY / "k8s" / "overlays"
RENDERED = REPOSITORY / "k8s" / "rendered"

NOTICE = "# Made by `make manifests` from k8s/overlays/{overlay}; changes belong there.\n"


def overlays() -> list[str]:
    """Return the names of all overlays."""
    return sorted(file.parent.name for file in OVERLAYS.glob("*/kustomization.yaml"))


def render(kustomize: Kustomize, overlay: str) -> str:
    """Return the content of an overlay's rendered file."""
    return NOTICE.format(overlay=overlay) + kustomize.render(OVERLAYS / overlay)


def rendered_file(overlay: str) -> Path:
    """Return the path of an overlay's rendered file."""
    return RENDERED / f"{overlay}.yaml"


def write_all(kustomize: Kustomize) -> Iterator[Path]:
    """Write every overlay's file, yield its path, and delete files without an overlay."""
    RENDERED.mkdir(exist_ok=True)
    files = {rendered_file(overlay): overlay for overlay in overlays()}
    for left in set(RENDERED.glob("*.yaml")) - set(files):
        left.unlink()
    for file, overlay in files.items():
        file.write_text(render(kustomize, overlay))
        yield file
