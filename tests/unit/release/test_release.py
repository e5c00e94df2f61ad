"""A release without images, from the command to its checksums."""

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path

from release.__main__ import CHECKSUMS, make_release
from release.images import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_a_release_has_wheels_sources_bills_and_checksums(tmp_path: Path) -> None:
    make_release(tmp_path, images=False)
    stem = f"camp_mgr-{PROJECT['version']}"
    wheel, bill = f"{stem}-py3-none-any.whl", f"{stem}-py3-none-any.whl.cdx.json"
    of_client = f"camp_mgr_client-{PROJECT['version']}"
    assert {file.name for file in tmp_path.iterdir()} == {
        *(f"{each}-py3-none-any.whl" for each in (stem, of_client)),
        *(f"{each}-py3-none-any.whl.cdx.json" for each in (stem, of_client)),
        *(f"{each}.tar.gz" for each in (stem, of_client)),
        CHECKSUMS,
    }
    listed = json.loads((tmp_path / f"{of_client}-py3-none-any.whl.cdx.json").read_text())
    assert (
        listed["metadata"]["component"]["purl"] == f"pkg:pypi/camp-mgr-client@{PROJECT['version']}"
    )
    libraries = {each["name"] for each in listed["components"]}
    assert {"requests", "standardwebhooks"} <= libraries
    assert not {"flask", "pymysql", "click"} & libraries
    packages = {folder.split("/")[0] for folder in zipfile.ZipFile(tmp_path / wheel).namelist()}
    assert {"campaign_common", "campaign_api", "campaign_sender"} <= packages
    needed = {each["name"] for each in json.loads((tmp_path / bill).read_text())["components"]}
    assert {"pymysql", "flask", "apscheduler", "confluent-kafka", "uvloop"} <= needed
    assert not {"pytest", "sphinx", "cyclonedx-python-lib", "matplotlib"} & needed
    sums = dict(
        reversed(line.split("  ")) for line in (tmp_path / CHECKSUMS).read_text().splitlines()
    )
    assert sums == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in tmp_path.iterdir()
        if file.name != CHECKSUMS
    }
