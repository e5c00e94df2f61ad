"""Providers: the grammar, what is refused, and what lies below."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import (
    AnswerWord,
    HttpProviderSettings,
    Settings,
    SimulatedSettings,
    load_settings,
)
from campaign_common.settings.sections.providers.map import laid_over
from tests.support.sample import SAMPLE

GATEWAY: dict[str, Any] = {
    "Kind": "http",
    "Url": "https://gateway.example/{secret.sid}/send?to={phone}",
    "Headers": {"Authorization": "App {secret.sid}"},
    "Secrets": {"sid": {"File": "/run/secrets/sid"}},
    "Body": {"Type": "json", "Json": {"to": "{phone}", "list": [{"text": "{body}"}]}},
}
FORM = {"Type": "form", "Form": {"text": "{body}"}}
RULE = {"Status": 200, "Then": "success"}


def load(tmp_path: Path, document: object, **environ: str) -> Settings:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump(document))
    return load_settings(path, environ)


def provider(tmp_path: Path, **keys: object) -> HttpProviderSettings:
    settings = load(tmp_path, {"Providers": {"gateway": {**GATEWAY, **keys}}})
    found = settings.providers["gateway"]
    assert isinstance(found, HttpProviderSettings)
    return found


def refusal(tmp_path: Path, document: object, **environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, document, **environ)
    message = str(error.value)
    assert "\n" not in message
    assert "hidden" not in message
    return message


def test_there_are_as_many_providers_as_are_named(tmp_path: Path) -> None:
    document = {
        "Provider": "second",
        "Http": {"Url": "https://sms.example"},
        "Providers": {"first": GATEWAY, "second": GATEWAY, "trial-3": {"Kind": "simulated"}},
    }
    settings = load(tmp_path, document)
    names = {"simulated", "http", "first", "second", "trial-3"}
    assert set(settings.configured_providers) == names
    assert isinstance(settings.providers["trial-3"], SimulatedSettings)


def test_the_providers_of_old_are_there_without_any(tmp_path: Path) -> None:
    assert set(load(tmp_path, {"Provider": "simulated"}).configured_providers) == {"simulated"}


def test_a_name_may_be_that_of_a_section_that_is_not_used(tmp_path: Path) -> None:
    document = {"Provider": "http", "Providers": {"http": GATEWAY, "simulated": GATEWAY}}
    settings = load(tmp_path, document)
    assert all(
        isinstance(each, HttpProviderSettings) for each in settings.configured_providers.values()
    )


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"Urk": 3}, "gateway.Urk: unknown key; did you mean Url?"),
        ({"Kind": "smpp"}, "gateway.Kind: 'smpp': expected one of http, simulated"),
        ({"Kind": None}, "gateway.Kind: None: the key is missing; expected one of http, simulated"),
        ({"Kind": ["http"]}, "gateway.Kind: ['http']: expected one of http, simulated"),
        ({"Kind": {"a": 1}}, "expected one of http, simulated"),
        ({"Preset": ["x"]}, "gateway.Preset: ['x']: expected one of "),
        ({"Preset": "none-such"}, "gateway.Preset: 'none-such': expected one of "),
        ({"Url": "https://hidden.{phone}.example/"}, "gateway.Url: ***: expected a URL"),
        ({"Url": "https://a.example:{seq}/"}, "gateway.Url: ***: expected a URL"),
        ({"Url": "https://a.example/?{phone}=hidden"}, "placeholders of a query are values only"),
        ({"Url": "https://a.example/{body}"}, "Url: ***: unknown placeholder {body}; expected one"),
        ({"Url": "https://a.example/{from}"}, "unknown placeholder {from}"),
        ({"Url": "https://a.example/{parts.0}"}, "unknown placeholder {parts.0}"),
        ({"Url": "https://a.example/{phone"}, "expected '{' with its partner"),
        ({"Headers": {"Host": "hidden"}}, "gateway.Headers.Host: ***: expected no header of the"),
        ({"Headers": {"X-A": "{body}"}}, "gateway.Headers.X-A: ***: unknown placeholder {body}"),
        ({"Headers": {"X-A": "a\r\nX-B: hidden"}}, "Headers.X-A: ***: expected one line"),
        ({"Headers": {"X A": "hidden"}}, "expected the name of a header"),
        ({"Headers": {"X-A": "1", "x-a": "2"}}, "expected each header once"),
        ({"Basic": {"User": "{phone}", "Password": "hidden"}}, "no placeholder but {secret.NAME}"),
        ({"Basic": {"User": "a:b", "Password": "hidden"}}, "Basic.User: ***: expected a user with"),
        ({"From": "\ud800"}, "gateway.From: '\\ud800': expected text of 1 to 64 characters"),
        ({"Coding": {"gsm7": "\ud800"}}, "Coding.gsm7: '\\ud800': expected 1 to 32"),
        ({"Coding": {"ucs2": "ü"}}, "Coding.ucs2: 'ü': expected 1 to 32 characters of printable A"),
        ({"Body": {"Type": "json", "Json": "{from}"}}, "Json: ***: {from} has no value in some"),
        (
            {"Body": {"Type": "json", "Json": "{parts.0}"}},
            "{parts.0} has no value in some",
        ),
        (
            {"Sign": {"Type": "aws-sigv4", "Region": "r\n"}},
            "Sign.Region: 'r\\n': expected a name",
        ),
        ({"Secrets": {}}, "{secret.sid} is not among Secrets, which has none"),
        ({"Secrets": {"sid": {}}}, "Secrets.sid: ***: expected either File or Value"),
        ({"Secrets": {"sid": "hidden"}}, "Secrets.sid: ***: expected a section of keys"),
        ({"Secrets": {"sid": {"Value": "hid\nden"}}}, "Secrets.sid.Value: ***: expected one line"),
        ({"Body": {"Type": "json"}}, "Body.Json: the key is missing; Type json needs it"),
        ({"Body": {**FORM, "Xml": "<hidden/>"}}, "Body.Xml: ***: expected Type: xml with it"),
        (
            {"Body": {"Type": "json", "Json": {"a": [{"b": "{boddy}"}]}}},
            "Json.a.0.b: ***: unkn",
        ),
        ({"Body": {"Type": "json", "Json": {'a"b': 1}}}, "expected a name without quotes"),
        ({"Body": {"Type": "form", "Form": {"a": ["hidden"]}}}, "Body.Form.a: ***: expected text"),
        ({"Body": {"Type": "xml", "Xml": "<{body}/>"}}, "Body.Xml: ***: expected placeholders bet"),
        ({"Body": {"Type": "xml", "Xml": "<a>{body}"}}, "Body.Xml: ***: expected well-formed XML"),
        ({"Method": "GET"}, "Body.Type: 'json': expected query or none with Method GET"),
        ({"Sign": {"Type": "aws-sigv4", "Region": "r"}}, "Sign.Service: the key is missing; aws-s"),
        ({"MaxLength": 0}, "gateway.MaxLength: 0: expected an integer from 1 to 16000"),
        ({"Idempotent": {"For": 24}}, "Idempotent.For: 24: expected a duration"),
        ({"Idempotent": "yes"}, "Idempotent: 'yes': expected true, false or {For: duration}"),
        (
            {"Idempotent": True, "Body": {"Type": "form", "Form": {"ttl": "{expires_in}"}}},
            "Body.Form.ttl: ***: expected no {expires_in} beside Idempotent",
        ),
        (
            {"Idempotent": {"For": "24h"}, "Headers": {"X-Time": "{now.unix_ms}"}},
            "Headers.X-Time: ***: expected no {now.unix_ms} beside Idempotent",
        ),
        ({"Timeout": "20s"}, "gateway.Timeout: '20s': expected less than DrainTimeout"),
        ({"Answers": {"429": "throttle"}}, "Answers.429: 'throttle': expected one of success"),
        ({"Answers": [{"Status": 200}]}, "Answers.0.Then: the key is missing"),
        ({"Answers": [RULE, {**RULE, "Then": "ok"}]}, "Answers.1.Then: 'ok': expected one of succ"),
        ({"Answers": [{**RULE, "Status": 600}]}, "Answers.0.Status: 600: expected a status code"),
        ({"Answers": [{**RULE, "Status": []}]}, "Answers.0.Status: []: expected a status code"),
        (
            {"Answers": [{**RULE, "Json": {"a..b": 1}}]},
            "0.Json.a..b: 1: expected names and",
        ),
        ({"Answers": [{**RULE, "Json": {"a": {}}}]}, "Json.a: {}: expected {Matches: pattern}"),
        ({"Answers": [{**RULE, "Json": {"a": {"Matches": "("}}}]}, "expected a regular expression"),
        ({"Answers": [{**RULE, "Id": {"Matches": "x"}}]}, "{Matches: pattern} with a group"),
        ({"Answers": [{**RULE, "Effect": "suppress"}]}, "expected Then: permanent with it"),
        ({"Answers": [{**RULE, "Scope": "recipient"}]}, "expected Then: throttled with it"),
        ({"Answers": [{**RULE, "Transport": "timeout"}]}, "expected no other condition beside it"),
        (
            {"Answers": [{"Transport": "timeout", "Then": "retryable"}]},
            "Answers.0.Then: 'retryable': expected ambiguous: only after address_refused",
        ),
        ({"Answers": [{**RULE, "Text": "\ud800"}]}, "Text: '\\ud800': expected text of 1 to 1000"),
        ({"Answers": [{**RULE, "RetryAfter": {"Header": "X Y"}}]}, "expected the name of a header"),
        ({"Answers": [{**RULE, "RetryAfter": {"Header": "Rétry"}}]}, "the name of a header"),
        ({"Answers": [{**RULE, "Id": {"Matches": r".*id=(\w+)"}}]}, "without .* at its beginning"),
        ({"Answers": [{**RULE, "Id": {"Matches": r"((.+)x)"}}]}, "without .* at its beginning"),
        (
            {"Answers": [{**RULE, "Json": {"a": {"Matches": "(a+)+$"}}}]},
            "a repeat of what has",
        ),
        ({"Answers": [{**RULE, "Json": {"a": {"Matches": "(x|a*b){2,}"}}}]}, "a repeat of what"),
        ({"Answers": [{**RULE, "RetryAfter": {}}]}, "expected either Header or Json"),
    ],
)
def test_a_wrong_key_is_one_line_without_secrets(
    tmp_path: Path, keys: dict[str, object], complaint: str
) -> None:
    message = refusal(tmp_path, {"Providers": {"gateway": {**GATEWAY, **keys}}})
    assert complaint in message
    assert ": Providers.gateway." in message


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"Providers": ["hidden"]}, "Providers: ***: expected a mapping of names to providers"),
        ({"Providers": {"Gateway": GATEWAY}}, "Providers.Gateway: ***: expected a name of 1 to 32"),
        ({"Providers": {"x" * 33: GATEWAY}}, "expected a name of 1 to 32 characters"),
        ({"Providers": {360: GATEWAY}}, "Providers.360: expected a name of 1 to 32"),
        ({"Providers": {"a": "hidden"}}, "Providers.a: ***: expected a section of keys"),
        (
            {"Provider": "other", "Providers": {"a": GATEWAY}},
            "expected one of simulated, a",
        ),
        (
            {"Http": {"Url": "https://hidden.example"}, "Providers": {"http": GATEWAY}},
            "Providers.http: ***: expected another name beside Http",
        ),
        (
            {"Simulated": {"Seed": 3}, "Providers": {"simulated": GATEWAY}},
            "Providers.simulated: ***: expected another name beside Simulated",
        ),
    ],
)
def test_a_wrong_name_is_one_line_without_secrets(
    tmp_path: Path, document: object, complaint: str
) -> None:
    assert complaint in refusal(tmp_path, document)


def test_the_environment_goes_over_any_key(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        {"Providers": {"my-gateway": GATEWAY}},
        **{
            "CAMP__PROVIDERS__MY-GATEWAY__SECRETS__SID__FILE": "/run/other",
            "CAMP__PROVIDERS__MY-GATEWAY__MAXLENGTH": "70",
            "CAMP__PROVIDERS__MY-GATEWAY__ANSWERS": "503: throttled",
            "CAMP__PROVIDERS__TRIAL__KIND": "simulated",
            "CAMP__PROVIDERS__TRIAL__LATENCY__MEAN": "20ms",
        },
    )
    found = settings.providers["my-gateway"]
    assert isinstance(found, HttpProviderSettings)
    assert found.secrets["sid"].file == Path("/run/other")
    assert found.max_length == 70
    words = [rule.then for rule in found.answers if rule.status == {503}]
    assert words == [AnswerWord.THROTTLED]
    trial = settings.providers["trial"]
    assert isinstance(trial, SimulatedSettings)
    assert trial.latency.mean == pytest.approx(0.02)


def test_a_variable_that_names_no_key_is_refused(tmp_path: Path) -> None:
    variable = {"CAMP__PROVIDERS__GATEWAY__SECRTS__SID__FILE": "hidden"}
    assert "no such key" in refusal(tmp_path, {"Providers": {"gateway": GATEWAY}}, **variable)


@pytest.mark.parametrize(
    ("written", "seconds"), [(True, float("inf")), (False, 0.0), ({"For": "24h"}, 86_400.0)]
)
def test_idempotent_may_have_an_end(tmp_path: Path, written: object, seconds: float) -> None:
    assert provider(tmp_path, Idempotent=written).idempotent_for == seconds


@pytest.mark.parametrize("pattern", ["(.+)", r"id=(\w+)", r"^\s*(\w+)", "(a{2}){3}", "(a?b)+", "."])
def test_a_harmless_pattern_is_taken(tmp_path: Path, pattern: str) -> None:
    rule = {**RULE, "Json": {"a": {"Matches": pattern}}}
    assert provider(tmp_path, Answers=[rule]).answers[0].json[0].pattern == re.compile(pattern)


def test_the_name_of_a_secret_may_have_a_hyphen(tmp_path: Path) -> None:
    secrets = {"api-token": {"Value": "hidden"}, "sid": {"Value": "hidden"}}
    found = provider(tmp_path, Secrets=secrets, Headers={"X-Token": "{secret.api-token}"})
    assert [one.secret for one in found.headers["X-Token"].placeholders] == ["api-token"]


def test_settings_show_no_secret(tmp_path: Path) -> None:
    shown = repr(
        provider(
            tmp_path,
            Url="https://gateway.example/hidden",
            Headers={"X-Key": "hidden"},
            Secrets={"sid": {"Value": "hidden"}},
            Body={"Type": "json", "Json": {"key": "hidden"}},
        )
    )
    assert "gateway.example" not in shown
    assert "hidden" not in shown


def test_keys_are_laid_over_a_preset() -> None:
    preset = {
        "Kind": "http",
        "Url": "https://preset.example",
        "Headers": {"A": "1", "B": "2"},
        "Body": {"Type": "json", "Json": {"from": "{from}", "list": [1, 2], "deep": {"x": 1}}},
        "Answers": [{"Status": 200, "Then": "success"}],
    }
    given = {
        "Preset": "some",
        "Url": "https://own.example",
        "Headers": {"B": "3", "A": None},
        "Body": {"Json": {"list": [3], "deep": {"y": 2}, "from": None}},
        "Answers": {"5xx": "retryable", 503: "throttled"},
    }
    before = yaml.safe_dump(preset)
    assert laid_over(given, preset) == {
        "Preset": "some",
        "Kind": "http",
        "Url": "https://own.example",
        "Headers": {"B": "3"},
        "Body": {"Type": "json", "Json": {"list": [3], "deep": {"x": 1, "y": 2}}},
        "Answers": [
            {"Status": "503", "Then": "throttled"},
            {"Status": "5xx", "Then": "retryable"},
            {"Status": 200, "Then": "success"},
        ],
    }
    assert yaml.safe_dump(preset) == before, "a preset is not changed"
