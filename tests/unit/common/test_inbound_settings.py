"""Inbound: what the configuration says of messages of people, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import InboundSettings, Settings, load_settings
from campaign_providers.callbacks.keywords.configured_keywords import keywords_of
from tests.support.sample import SAMPLE


def load(tmp_path: Path, **keys: Any) -> Settings:  # noqa: ANN401 - any YAML
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Inbound": keys}))
    return load_settings(path, {})


def test_messages_are_kept_for_90_days_unless_it_is_said(tmp_path: Path) -> None:
    assert load(tmp_path).inbound == InboundSettings()
    assert InboundSettings().keep_for == 90 * 86_400
    assert load(tmp_path, KeepFor="72h").inbound.keep_for == 3 * 86_400
    assert load(tmp_path, KeepFor=None).inbound.keep_for is None


def test_words_of_the_configuration_are_keywords(tmp_path: Path) -> None:
    given = {"stop": ["Lopeta"], "start": [], "help": ["apua"]}
    keywords = keywords_of(load(tmp_path, Keywords=given, FirstWords=["lopeta", "cancel"]))
    said = {text: keywords.match(text) for text in ("lopeta heti", "Apua!", "cancel it", "moi")}
    assert {text: match and match.kind.value for text, match in said.items()} == {
        "lopeta heti": "stop",
        "Apua!": "help",
        "cancel it": "stop",
        "moi": None,
    }
    assert not [text for text, match in said.items() if match and match.is_unsure]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param({"KeepFor": "71h"}, "Inbound.KeepFor", id="too short"),
        pytest.param({"Keywords": {"yes": ["ja"]}}, "Inbound.Keywords.yes", id="no such meaning"),
        pytest.param({"Keywords": {"stop": "ja"}}, "Inbound.Keywords.stop", id="no list"),
        pytest.param({"Keywords": {"stop": ["start"]}}, "Inbound: keyword", id="two meanings"),
        pytest.param({"FirstWords": ["hello"]}, "Inbound: first word", id="no keyword"),
    ],
)
def test_what_is_refused(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match="Inbound") as error:
        keywords_of(load(tmp_path, **keys))
    assert str(error.value).startswith(f"{tmp_path / 'campmgr.yaml'}: {said}")
