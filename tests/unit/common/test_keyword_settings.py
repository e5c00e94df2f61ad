"""Inbound: what the configuration says of STOP and of answers, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.inbound.keyword_policy import InboundProvider, StopScope
from campaign_common.errors import SettingsError
from campaign_common.settings import Settings, load_settings
from campaign_common.settings.keywords import keyword_policy_of
from campaign_common.settings.presets import preset_document, preset_names
from tests.support.sample import SAMPLE

GATEWAY: dict[str, Any] = {
    "Kind": "http",
    "Url": "https://gateway.example/send",
    "From": "Shop",
    "Body": {"Type": "form", "Form": {"to": "{phone.plus}", "from": "{from}", "text": "{body}"}},
}


def load(tmp_path: Path, **document: Any) -> Settings:  # noqa: ANN401 - any YAML
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump(document))
    return load_settings(path, {})


def test_nothing_is_answered_unless_it_is_said(tmp_path: Path) -> None:
    policy = keyword_policy_of(load(tmp_path, Inbound={}))
    assert (policy.stop_scope, dict(policy.answers)) == (StopScope.EVERYTHING, {})


def test_what_is_said_is_the_policy(tmp_path: Path) -> None:
    answers = {"stop": "gone", "help": "help", "Interval": "2h"}
    settings = load(
        tmp_path,
        Inbound={"StopScope": "sender", "Answers": answers},
        Providers={"one": GATEWAY, "two": {"Kind": "simulated"}},
    )
    policy = keyword_policy_of(settings)
    assert policy.stop_scope is StopScope.SENDER
    assert policy.answers == {KeywordKind.STOP: "gone", KeywordKind.HELP: "help"}
    assert policy.interval == 7_200
    assert policy.providers == {
        "one": InboundProvider("Shop", takes_originator=True, writes_plus=True)
    }


@pytest.mark.parametrize("preset", preset_names())
def test_presets_say_whose_carrier_answers(tmp_path: Path, preset: str) -> None:
    """Those of which that is known; another value of the provider counts."""
    document = str(preset_document(preset))
    names = {part.partition("}")[0] for part in document.split("{secret.")[1:]}
    keys = {"Preset": preset, "Secrets": {name: {"Value": "hidden"} for name in names}}
    if "Url" not in preset_document(preset):
        keys["Url"] = "https://gateway.example/send"
    never = {**keys, "Callbacks": {"AnswersKeywords": False}}
    policy = keyword_policy_of(load(tmp_path, Providers={"gate": keys, "never": never}))
    answering = {name for name, each in policy.providers.items() if each.answers_itself}
    assert answering == ({"gate"} if preset in {"twilio", "telnyx", "aws_sms"} else set())


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param({"StopScope": "topic"}, "Inbound.StopScope", id="no-such-scope"),
        pytest.param({"Answers": {"stop": ""}}, "Inbound.Answers.stop", id="no-text"),
        pytest.param({"Answers": {"stop": "x" * 1_601}}, "Inbound.Answers.stop", id="too-long"),
        pytest.param({"Answers": {"yes": "x"}}, "Inbound.Answers.yes", id="no-keyword"),
        pytest.param({"Answers": {"Interval": "1s"}}, "Inbound.Answers.Interval", id="too-short"),
    ],
)
def test_what_is_refused(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match="Inbound") as error:
        load(tmp_path, Inbound=keys)
    assert str(error.value).startswith(f"{tmp_path / 'campmgr.yaml'}: {said}")
