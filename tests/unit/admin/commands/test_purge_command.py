import pytest
from click.testing import CliRunner

from campaign_admin.commands.db import main


@pytest.mark.parametrize("age", ["90", "0d", "-1d", "12h", "1.5d", "d"])
def test_only_whole_days_may_be_purged(age: str) -> None:
    refused = CliRunner().invoke(main, ["purge", "--older-than", age])
    assert refused.exit_code == 2
    assert "such as 90d" in refused.output


def test_the_age_has_no_default() -> None:
    assert CliRunner().invoke(main, ["purge"]).exit_code == 2


@pytest.mark.parametrize("option", ["--pause", "--time-limit"])
def test_times_are_durations(option: str) -> None:
    refused = CliRunner().invoke(main, ["purge", "--older-than", "90d", option, "5"])
    assert refused.exit_code == 2
    assert "expected a duration" in refused.output
