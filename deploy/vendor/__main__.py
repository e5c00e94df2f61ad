"""make vendor: fetch the files that each vendor.toml lists, and check package and files."""

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("services/api/campaign_api/dashboard/static/vendor", "tests/support/vendor")


def sha512_of(content: bytes) -> str:
    """Return the SHA-512 of some bytes in base64, as npm writes it."""
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def fetch(package: dict[str, Any], folder: Path) -> None:
    """Fetch a package and write its files to `folder`.

    Raises:
        SystemExit: the package, or a file of it, is not the expected one.
        subprocess.CalledProcessError: npm failed.
    """
    wanted = f"{package['name']}@{package['version']}"
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", wanted], cwd=scratch, check=True)
        (archive,) = Path(scratch).glob("*.tgz")
        if f"sha512-{sha512_of(archive.read_bytes())}" != package["integrity"]:
            sys.exit(f"{wanted} is not the package of vendor.toml")
        with tarfile.open(archive) as members:
            for file in package["files"]:
                member = members.extractfile(f"package/{file['source']}")
                content = b"" if member is None else member.read()
                if sha512_of(content) != file["sha512"]:
                    sys.exit(f"{file['source']} of {wanted} is not the file of vendor.toml")
                (folder / file["path"]).write_bytes(content)
    print(f"{wanted} is as published")


def main() -> None:
    """Fetch everything."""
    for name in FOLDERS:
        folder = REPOSITORY / name
        for package in tomllib.loads((folder / "vendor.toml").read_text())["package"]:
            fetch(package, folder)


if __name__ == "__main__":
    main()
