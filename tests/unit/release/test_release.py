"""A release without images, from the command to its checksums."""

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path

from release.__main__ import CHECKSUMS, make_release
from release.images import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_a_release_has_wheel_sources_bill_and_checksums(tmp_path: Path) -> None:
    make_release(tmp_path, images=False)
    stem = f"camp_mgr-{PROJECT['version']}"
    wheel, bill = f"{stem}-py3-none-any.whl", f"{stem}-py3-none-any.whl.cdx.json"
    assert {file.name for file in tmp_path.iterdir()} == {
        wheel,
        bill,
        f"{stem}.tar.gz",
        CHECKSUMS,
    }
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
