"""Where the overlays are, and where what they come to is kept."""

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
    """Return what is to be kept of an overlay."""
    return NOTICE.format(overlay=overlay) + kustomize.render(OVERLAYS / overlay)


def rendered_file(overlay: str) -> Path:
    """Return where an overlay is kept."""
    return RENDERED / f"{overlay}.yaml"


def write_all(kustomize: Kustomize) -> Iterator[Path]:
    """Write every overlay and remove what belongs to none; answers each file written."""
    RENDERED.mkdir(exist_ok=True)
    files = {rendered_file(overlay): overlay for overlay in overlays()}
    for left in set(RENDERED.glob("*.yaml")) - set(files):
        left.unlink()
    for file, overlay in files.items():
        file.write_text(render(kustomize, overlay))
        yield file
