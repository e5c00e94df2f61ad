"""The table of the chaos suite is complete however many processes share its tests."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).parents[2]
TESTS = """
    import pytest

    from tests.chaos.findings import hand_over
    from tests.chaos.report import Finding

    @pytest.mark.parametrize("number", range(4))
    def test_one(request, scale, worker_id, number):
        fault = f"{number} by {worker_id}, seed {scale.seed}"
        hand_over(request.node, [Finding(fault, "mariadb", 1, 0, 0, 0, 0, None)])

    def test_another(request):
        hand_over(request.node, [Finding("the last", "mysql", 1, 0, 0, 0, 0, 1.5)] * 2)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_one_table_has_every_finding_of_the_run_and_its_seed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}:{REPOSITORY / 'deploy'}")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "tests.chaos.conftest", "-n", str(workers))
    result.assert_outcomes(passed=5)
    text = result.stdout.str()
    (seed,) = re.findall(r"=+ chaos, seed (\d+) =+", text)
    rows = re.findall(r"^(\d) by (\w+), seed (\d+) ", text, re.MULTILINE)
    assert [(int(number), of) for number, _, of in rows] == [(n, seed) for n in range(4)]
    assert len({worker for _, worker, _ in rows}) == max(workers, 1)
    assert len(re.findall(r"^the last .* 1\.5 s", text, re.MULTILINE)) == 2
