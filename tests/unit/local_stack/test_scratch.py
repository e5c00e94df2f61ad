import os
import subprocess
import sys
from pathlib import Path

from local_stack.distributions.cache import REPOSITORY
from local_stack.scratch import scratch_folder


def test_folder_goes_with_the_block(tmp_path: Path) -> None:
    with scratch_folder("demo", tmp_path) as folder:
        (folder / "data").touch()
    assert [file.name for file in tmp_path.iterdir()] == ["sweep.lock"]


def test_the_next_run_removes_folders_of_killed_runs_only(tmp_path: Path) -> None:
    """Folder of a killed run is removed by the next and a live one stays."""
    code = (
        "import os, sys; from pathlib import Path; from local_stack.scratch import scratch_folder;"
        "held = scratch_folder('demo', Path(sys.argv[1])); held.__enter__();"
        "os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "deploy")}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    (abandoned,) = tmp_path.glob("demo-????????")
    with scratch_folder("demo", tmp_path) as live, scratch_folder("test", tmp_path):
        assert live.exists()
        assert not abandoned.exists()
