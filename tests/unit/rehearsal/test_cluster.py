"""Conclusions of a rehearsal from the answers of kubectl."""

from pathlib import Path

import pytest

from rehearsal.cluster import Cluster, changed, is_ready
from rehearsal.errors import RehearsalError
from rehearsal.steps.installing import warnings

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}, "metadata": {}}


def test_what_is_new_gone_or_other_is_changed() -> None:
    before = {"Job/a": 1, "Job/b": 1, "Job/c": 1}
    assert changed(before, before) == set()
    assert changed(before, {"Job/a": 1, "Job/b": 2, "Job/d": 1}) == {"Job/b", "Job/c", "Job/d"}


@pytest.mark.parametrize(
    "pod",
    [
        {**READY, "metadata": {"deletionTimestamp": "2026-11-24T00:00:00Z"}},
        {**READY, "status": {}},
        {**READY, "status": {"conditions": [{"type": "Ready", "status": "False"}]}},
    ],
)
def test_only_ready_pods_that_stay_count(pod: dict[str, object]) -> None:
    """A pod that is not ready or on its way out does not count."""
    assert is_ready(READY)
    assert not is_ready(pod)


def test_a_question_that_is_not_answered_ends_the_rehearsal(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho 'no such server' >&2\nexit 1\n")
    kubectl.chmod(0o755)
    with pytest.raises(RehearsalError, match=r"kubectl get pods: no such server"):
        Cluster(kubectl, {}).all("pods")


def test_warnings_are_found_among_what_is_printed() -> None:
    printed = "job.batch/a created\nWarning: would violate PodSecurity\nservice/b created\n"
    assert warnings(printed) == ["Warning: would violate PodSecurity"]
    assert warnings("job.batch/warning-a created\n") == []
