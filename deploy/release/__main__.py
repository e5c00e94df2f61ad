"""Makes a release of this version in dist/, and publishes nothing (`make release`)."""

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from release.archive import packages_of
from release.bill import bill_of_materials
from release.errors import ReleaseError
from release.images import REPOSITORY, save_images
from release.packages import Package
from release.wheel import CLIENT, build_wheel, contents_of, require_client_alone

FOLDER = REPOSITORY / "dist"
CHECKSUMS = "SHA256SUMS"


def main() -> int:
    """Make the release, and return the exit code."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    parser.add_argument("--without-images", action="store_true", help="only wheels and sources")
    images = not parser.parse_args().without_images
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        make_release(FOLDER, images=images)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        print(f"release failed: {error}", file=sys.stderr)
        return 1
    return 0


def make_release(folder: Path, *, images: bool) -> None:
    """Write wheels, source archives, image archives, their bills and checksums to an empty folder.

    There are a wheel and a source archive of the project, and others of its client.

    Raises:
        ReleaseError: an engine or a file is missing, a bill is invalid, or the client needs more.
        subprocess.CalledProcessError: wheels or images could not be built.
    """
    project = _write_distribution(folder, REPOSITORY)
    _write_distribution(folder, CLIENT)
    if images:
        for target, archive in save_images(folder, project.version).items():
            image = Package(f"campaign-{target}", project.version, kind="oci")
            bill = bill_of_materials(image, packages_of(archive), container=True)
            subprocess.run(["gzip", "--no-name", archive], check=True)
            _write_bill(archive.with_name(f"{archive.name}.gz"), bill)
    write_checksums(folder)
    for file in sorted(folder.iterdir()):
        print(f"{file.stat().st_size:>12,} {file.relative_to(folder.parent)}")


def _write_distribution(folder: Path, source: Path) -> Package:
    """Write wheel, source archive and bill of a distribution, and return what it is."""
    wheel = build_wheel(folder, source)
    if source == CLIENT:
        require_client_alone(wheel)
    project, needed = contents_of(wheel)
    _write_bill(wheel, bill_of_materials(project, needed, container=False))
    return project


def write_checksums(folder: Path) -> None:
    """Write the file that `sha256sum --check` reads, for every other file of a folder."""
    lines = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _write_bill(subject: Path, bill: str) -> None:
    subject.with_name(f"{subject.name}.cdx.json").write_text(bill, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
