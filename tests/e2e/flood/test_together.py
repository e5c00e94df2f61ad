"""Every flood at once."""

import pytest

from benchmarks.flood.everything import Aims, everything
from tests.e2e.flood.scene import Scene


@pytest.mark.parametrize("has_keys", [False, True], ids=["without a key", "with keys"])
def test_all_floods_together_harm_nobody(scene: Scene, has_keys: bool) -> None:
    keys = (scene.keys.reader, scene.keys.writer) if has_keys else (None, None)
    aims = Aims(scene.stored.large_campaign, scene.stored.rejects, *keys)
    scene.stands(*everything(aims), rounds=6, seconds=8)
