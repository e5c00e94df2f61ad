from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import AnswerWord, HttpSettings, load_settings
from tests.support.sample import SAMPLE


def http(tmp_path: Path, keys: object, **environ: str) -> HttpSettings:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Http": keys}))
    return load_settings(path, environ).http


def word(settings: HttpSettings, status: int) -> AnswerWord:
    """Return what the first rule for a status says."""
    return next(rule.then for rule in settings.answers if status in (rule.status or ()))


def refusal(tmp_path: Path, keys: object, more: str = "") -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Http": keys}) + more)
    with pytest.raises(SettingsError) as error:
        load_settings(path, {})
    return str(error.value)


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4318", "grpc://collector:4317", "http://me:secret@collector", "http://c/?key=1"],
)
def test_a_receiver_of_traces_is_a_plain_url(tmp_path: Path, endpoint: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Tracing": {"Endpoint": endpoint}}))
    with pytest.raises(SettingsError, match=r"Tracing\.Endpoint: .*such as http://coll"):
        load_settings(path, {})
    path.write_text(SAMPLE)
    found = load_settings(path, {"CAMP__TRACING__ENDPOINT": "https://collector:4318/otlp"})
    assert found.tracing.endpoint == "https://collector:4318/otlp"


def test_every_key_loads(tmp_path: Path) -> None:
    settings = http(
        tmp_path,
        {
            "Url": "https://sms.example.com:8443/v1/messages?account=7",
            "Authorization": "Bearer abc",
            "Connections": 10,
            "ConnectTimeout": "1s",
            "Timeout": "2s",
            "IdleTimeout": "3s",
            "CaFile": "/etc/ssl/sms.pem",
            "AllowedNetworks": ["10.1.0.0/16", "::1"],
            "Idempotent": True,
            "MessageIdField": "data.id",
            "Answers": {404: "retryable", "5xx": "throttled"},
        },
    )
    assert settings.url == "https://sms.example.com:8443/v1/messages?account=7"
    assert settings.authorization == "Bearer abc"
    assert (settings.connect_timeout, settings.timeout, settings.idle_timeout) == (1.0, 2.0, 3.0)
    assert settings.idempotent is True
    assert settings.ca_file == Path("/etc/ssl/sms.pem")
    assert settings.allowed_networks == (ip_network("10.1.0.0/16"), ip_network("::1/128"))
    assert word(settings, 404) is AnswerWord.RETRYABLE
    assert word(settings, 503) is AnswerWord.THROTTLED
    assert word(settings, 429) is AnswerWord.THROTTLED, "defaults stay where nothing is given"


def test_the_environment_gives_lists_mappings_and_secrets(tmp_path: Path) -> None:
    """The environment gives lists mappings and secrets from files."""
    secret = tmp_path / "secret"
    secret.write_text("Bearer from-a-file\n")
    settings = http(
        tmp_path,
        {"Url": "http://sms.example.com"},
        CAMP__HTTP__AUTHORIZATION_FILE=str(secret),
        CAMP__HTTP__ALLOWEDNETWORKS="10.0.0.0/8, 127.0.0.1",
        CAMP__HTTP__IDEMPOTENT="true",
        CAMP__HTTP__ANSWERS="503: throttled, 404:retryable",
    )
    assert settings.authorization == "Bearer from-a-file"
    assert settings.authorization_file == secret
    assert settings.allowed_networks == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))
    assert settings.idempotent is True
    assert word(settings, 503) is AnswerWord.THROTTLED
    assert word(settings, 404) is AnswerWord.RETRYABLE


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"Url": "ftp://sms.example.com"}, "Http.Url: ***: expected a URL"),
        ({"Url": "https://"}, "Http.Url: ***: expected a URL"),
        ({"Url": "https://me:hidden@sms.example.com"}, "no user"),
        ({"Url": "https://sms.example.com/a b"}, "expected a URL"),
        ({"Url": "https://sms.example.com:99999"}, "expected a URL"),
        ({"Url": "https://sms.example.com/\r\nX-Evil: hidden"}, "expected a URL"),
        ({"Authorization": "Bearer hidden\r\nX: y"}, "Http.Authorization: ***: expected one line"),
        ({"Authorization": ""}, "expected one line"),
        ({"AllowedNetworks": ["10.0.0.1/8"]}, "has host bits set"),
        ({"AllowedNetworks": [10]}, "expected a list of networks"),
        ({"Answers": {"429": "throttle"}}, "Http.Answers.429: 'throttle': expected one of success"),
        ({"Answers": {"4x": "success"}}, "Http.Answers.4x: 'success': expected a status code"),
        ({"Answers": {600: "success"}}, "expected a status code"),
        ({"Answers": ["2xx"]}, "Http.Answers.0: ***: expected a section of keys"),
        ({"Answers": 5}, "expected a list of rules, or mapping"),
        ({"Idempotent": "yes"}, "Http.Idempotent: 'yes': expected true or false"),
        ({"Idempotent": 1}, "Http.Idempotent: 1: expected true or false"),
        ({"Connections": 0}, "expected an integer from 1 to 10000"),
        ({"Url": "http://a.example", "Timeout": "20s"}, "expected less than DrainTimeout"),
    ],
)
def test_a_wrong_key_is_one_line_without_secrets(
    tmp_path: Path, keys: object, complaint: str
) -> None:
    message = refusal(tmp_path, keys)
    assert complaint in message
    assert "\n" not in message
    assert "hidden" not in message


def test_the_http_provider_needs_its_url(tmp_path: Path) -> None:
    message = refusal(tmp_path, {}, "Provider: http\n")
    assert "Http.Url: the key is missing" in message


def test_null_is_none(tmp_path: Path) -> None:
    nothing = {"Url": None, "Authorization": None, "CaFile": None}
    assert http(tmp_path, nothing) == HttpSettings()


def test_settings_show_no_secret(tmp_path: Path) -> None:
    keys = {"Url": "https://sms.example.com?token=hidden", "Authorization": "Bearer hidden"}
    assert "hidden" not in repr(http(tmp_path, keys))
