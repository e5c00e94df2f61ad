"""Times at which the samples of a campaign are kept."""

from datetime import datetime, timedelta

import pytest

from campaign_common.store.campaigns.kept_samples import SampleTrack
from campaign_scheduler.jobs.sample_rates import is_due

LAST = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database has times


@pytest.mark.parametrize(
    ("spacing", "seconds", "due"),
    [
        pytest.param(None, 0, True, id="the first"),
        pytest.param(5, 5, True, id="in time"),
        pytest.param(5, 4.7, True, id="a little early"),
        pytest.param(5, 1, False, id="another scheduler was faster"),
        pytest.param(40, 35, False, id="half an interval too early"),
        pytest.param(40, 39.9, True, id="of a long campaign"),
        pytest.param(5, 3600, True, id="after a pause"),
    ],
)
def test_samples_are_kept_at_their_spacing(spacing: int | None, seconds: float, due: bool) -> None:
    track = None if spacing is None else SampleTrack(3, LAST, spacing)
    assert is_due(track, LAST + timedelta(seconds=seconds)) is due
