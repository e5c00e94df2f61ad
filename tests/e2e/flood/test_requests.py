"""Whole requests, as many as clients can send: of those without a key, and of one key."""

from collections.abc import Sequence

import pytest

from benchmarks.flood.requests import head, post
from benchmarks.flood.script import Script
from campaign_common.domain.api_key import ApiKey
from tests.e2e.flood.scene import Scene

CLOSE = "Connection: close"


def asking(clients: int, *requests: bytes) -> Sequence[Script]:
    """Make clients that send a request, read its answer and connect again."""
    return [Script(clients=clients // len(requests), first=each, again=True) for each in requests]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/stats", "/docs/", "/openapi.json"])
def test_requests_without_a_key_keep_nobody_from_being_served(scene: Scene, path: str) -> None:
    scene.stands(*asking(600, head(f"GET {path}", CLOSE)), rounds=2)


def test_unknown_keys_keep_nobody_from_being_served(scene: Scene) -> None:
    """Each has to be looked up."""
    keys = [ApiKey.generate() for _ in range(100)]
    outcome = scene.stands(
        *asking(800, *(head("GET /v1/stats", CLOSE, key=key) for key in keys)), rounds=2
    )
    assert set(outcome.answers) <= {401, 429, 503}


@pytest.mark.parametrize(
    "target", ["campaigns/{}/messages?limit=1000", "campaigns/{}/progress", "stats"]
)
def test_reads_of_one_key_keep_no_other_from_being_served(scene: Scene, target: str) -> None:
    path = f"/v1/{target.format(scene.stored.large_campaign)}"
    request = head(f"GET {path}", CLOSE, key=scene.keys.reader)
    outcome = scene.stands(*asking(400, request), rounds=2)
    assert set(outcome.answers) <= {200, 429, 503}


def test_dry_runs_of_one_key_keep_no_other_from_being_served(scene: Scene) -> None:
    path = f"/v1/campaigns/{scene.stored.draft}/dry-run"
    request = post(path, CLOSE, "Content-Length: 2", key=scene.keys.reader) + b"{}"
    outcome = scene.stands(*asking(100, request), rounds=2)
    assert set(outcome.answers) <= {200, 429}
