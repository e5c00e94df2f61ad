"""The page to unsubscribe at, in the configuration."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import Settings, UnsubscribeScope, load_settings
from tests.support.sample import SAMPLE

TEXTS = ("Title", "Question", "Button", "Done", "Test", "Unknown", "Gone", "Later")
FRENCH = {key: f"fr {key}" for key in TEXTS}


def load(folder: Path, keys: dict[str, Any]) -> Settings:
    path = folder / "campmgr.yaml"
    document = yaml.safe_load(SAMPLE)
    path.write_text(yaml.safe_dump({**document, **keys}))
    return load_settings(path, {})


def test_it_needs_no_configuration(tmp_path: Path) -> None:
    given = load(tmp_path, {}).unsubscribe
    assert (given.scope, given.sender, given.language) == (UnsubscribeScope.EVERYTHING, None, "en")
    assert not given.texts


def test_scope_sender_language_and_texts_are_read(tmp_path: Path) -> None:
    given = load(
        tmp_path,
        {
            "Unsubscribe": {
                "Scope": "topic",
                "Sender": "Shop",
                "Language": "fr",
                "Texts": {"fr": FRENCH, "de": {"Button": "Weg"}},
            }
        },
    ).unsubscribe
    assert (given.scope, given.sender, given.language) == (UnsubscribeScope.TOPIC, "Shop", "fr")
    assert given.texts["fr"].given == {key.lower(): f"fr {key}" for key in TEXTS}
    assert given.texts["de"].given == {"button": "Weg"}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"Scope": "all"}, "Scope: 'all': expected one of", id="scope"),
        pytest.param({"Language": "fr"}, "Language: 'fr': expected one of de, en", id="language"),
        pytest.param(
            {"Texts": {"fr": {**FRENCH, "Done": None}}},
            r"Texts\.fr\.Done: .*fr needs all texts",
            id="missing text",
        ),
        pytest.param({"Texts": {"FR": FRENCH}}, "expected a name of 1 to 32", id="upper case"),
        pytest.param({"Texts": {"de": {"Button": ""}}}, "expected text of 1 to 500", id="empty"),
    ],
)
def test_what_no_page_can_show_is_refused(
    keys: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=expected):
        load(tmp_path, {"Unsubscribe": keys})
