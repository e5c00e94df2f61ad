"""A second recording provider, and a route of both."""

from collections.abc import Mapping
from pathlib import Path

from tests.chaos.scene import Scene
from tests.support.providers.recordings import RecordingProvider, recording_provider

MAIN, SPARE = "http", "spare"
PAIR = "pair"
SPARE_LOG = "spare.jsonl"
"""File below the test's folder with the calls of the second provider."""

BODY = {
    "message_id": "{key}",
    "campaign_id": "{campaign_id}",
    "seq": "{seq}",
    "phone": "{phone}",
    "body": "{body}",
}


def add_spare(
    scene: Scene, folder: Path, route: Mapping[str, object], **more: object
) -> RecordingProvider:
    """Have campaigns take a route, of the scene's provider and of another one beside it."""
    spare = scene.enter(recording_provider(folder / SPARE_LOG))
    provider = {
        "Kind": "http",
        "Url": spare.url,
        "AllowedNetworks": ["127.0.0.0/8"],
        "Connections": 48,
        "Timeout": "20s",
        "Headers": {"Idempotency-Key": "{key}"},
        "Body": {"Type": "json", "Json": BODY},
    }
    scene.system.configure(
        Provider=PAIR, Providers={SPARE: provider}, Routes={PAIR: dict(route)}, **more
    )
    return spare
