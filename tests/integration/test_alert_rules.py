"""deploy/monitoring is what Prometheus' own tool takes, and its alerts fire when they should."""

import subprocess
from pathlib import Path

from tests.unit.deploy.test_alerts import MONITORING, RULES


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=MONITORING
    )


def test_the_rules_are_valid(promtool: tuple[str, ...]) -> None:
    completed = run(*promtool, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert f"{len(RULES)} rules found" in completed.stdout


def test_every_alert_fires_when_it_should(promtool: tuple[str, ...]) -> None:
    completed = run(*promtool, "test", "rules", "alerts_test.yaml")
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_a_rule_that_does_not_fire_would_be_noticed(
    promtool: tuple[str, ...], tmp_path: Path
) -> None:
    rules = (MONITORING / "alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(rules.replace("> 900", "> 9000"))
    (tmp_path / "alerts_test.yaml").write_text((MONITORING / "alerts_test.yaml").read_text())
    completed = run(*promtool, "test", "rules", tmp_path / "alerts_test.yaml")
    assert completed.returncode == 1
    assert "CampaignStuck" in completed.stdout + completed.stderr
