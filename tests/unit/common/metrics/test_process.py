"""Counters of services that are one process."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("module", ["campaign_sender.metrics", "campaign_scheduler.metrics"])
def test_counters_leave_no_files_whatever_the_environment(module: str, tmp_path: Path) -> None:
    """PROMETHEUS_MULTIPROC_DIR, as another program's settings may leave it, changes nothing."""
    subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
