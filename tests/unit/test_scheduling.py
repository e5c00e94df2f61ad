import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scheduling import ORDER, WAITING, place, unit_of

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/chaos/test_poison.py::test_a", "tests/chaos/test_rates.py::test_b[mysql]", True),
        ("tests/chaos/test_upgrade.py::test_a", "tests/chaos/test_outages.py::test_b", True),
        ("tests/chaos/test_poison.py::test_a", "tests/chaos/test_outages.py::test_b", False),
        (
            "tests/chaos/test_poison.py::test_a",
            "tests/e2e/flood/test_headers.py::test_a[half]",
            True,
        ),
        ("tests/e2e/test_life.py::test_a[mysql]", "tests/e2e/test_life.py::test_b[mysql-2]", True),
        ("tests/e2e/test_life.py::test_a[mysql]", "tests/e2e/test_life.py::test_a[mariadb]", False),
        ("tests/e2e/test_life.py::test_a[mysql]", "tests/e2e/test_doctor.py::test_a[mysql]", False),
        (
            "tests/model/test_promises.py::test_a[1]",
            "tests/model/test_promises.py::test_a[2]",
            False,
        ),
        ("tests/unit/test_readme.py::test_a", "tests/unit/test_readme.py::test_b[mysqld]", True),
    ],
)
def test_a_worker_gets_tests_that_must_not_run_at_once(
    one: str, other: str, together: bool
) -> None:
    """A worker gets all tests that share a schema or must not run at once."""
    assert (unit_of(one) == unit_of(other)) == together


def test_every_folder_of_tests_has_its_place() -> None:
    folders = {test.relative_to(TESTS).parts[0] for test in TESTS.rglob("test_*.py")} - {"images"}
    assert {f"tests/{folder}/" for folder in folders} == set(ORDER)
    assert [place(f"{folder}test_a.py::test_a") for folder in ORDER] == list(range(len(ORDER)))


def test_every_test_of_chaos_that_waits_is_there() -> None:
    """A name that is not there any more would run with those that load the machine."""
    assert all((TESTS.parent / file.removesuffix("::")).is_file() for file in WAITING)


def test_a_run_ends_though_a_worker_crashes(tmp_path: Path) -> None:
    """The test that ended the worker fails, once, and every other one is run."""
    (tmp_path / "conftest.py").write_text(
        "from tests.support.scheduling import Scheduling\n"
        "def pytest_xdist_make_scheduler(config, log):\n"
        "    config.option.loadscopereorder = False\n"
        "    return Scheduling(config, log)\n"
    )
    for number in range(20):
        (tmp_path / f"test_{number:02}.py").write_text(
            "import os, time\n"
            "def test_a(): time.sleep(0.02)\n"
            f"def test_b(): os._exit(3) if {number} == 11 else time.sleep(0.02)\n"
            "def test_c(): time.sleep(0.02)\n"
        )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "-q", tmp_path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TESTS.parent), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 failed, 59 passed" in run.stdout, run.stdout
    assert "crashed while running" in run.stdout
