"""Erasure in the configuration: the keys of erased people."""

from pathlib import Path

import pytest

from campaign_common.errors import SettingsError
from campaign_common.settings import SecretSettings, Settings, load_settings
from tests.support.sample import SAMPLE

KEY = "secret0123456789abcdef0123456789abcdef"


def load(folder: Path, keys: str, **environ: str) -> Settings:
    path = folder / "campmgr.yaml"
    path.write_text(f"{SAMPLE}\nErasure:\n  Keys: {keys}\n")
    return load_settings(path, environ)


def test_there_is_no_key_unless_configured(tmp_path: Path) -> None:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE)
    assert load_settings(path, {}).erasure.keys == ()


def test_keys_are_files_and_values_in_their_order(tmp_path: Path) -> None:
    keys = load(tmp_path, f"[{{File: /run/key}}, {{Value: {KEY}}}]").erasure.keys
    assert keys == (SecretSettings(file=Path("/run/key")), SecretSettings(value=KEY))
    assert KEY not in repr(keys)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("[{Value: secret}]", "32 characters or more"),
        (f"[{', '.join(f'{{File: /run/{n}}}' for n in range(5))}]", "4 keys at most"),
        (f"[{{Value: {KEY}}}, {{Value: {KEY}}}]", "each key once"),
        ("[{File: /run/key}, {File: /run/key}]", "each key once"),
        (f"[{{File: /run/key, Value: {KEY}}}]", "either File or Value"),
        ("[{}]", "either File or Value"),
        (f"[{KEY}]", "section"),
        (f"{{Value: {KEY}}}", "list of sections"),
    ],
    ids=["short", "too many", "value twice", "file twice", "both", "neither", "text", "no list"],
)
def test_wrong_keys_are_refused(tmp_path: Path, keys: str, expected: str) -> None:
    """No message quotes a key."""
    with pytest.raises(SettingsError, match=expected) as error:
        load(tmp_path, keys)
    assert "secret" not in str(error.value)


def test_the_environment_names_the_file_of_a_key(tmp_path: Path) -> None:
    variable = {"CAMP__ERASURE__KEYS__0__FILE": "/run/secrets/erasure"}
    keys = load(tmp_path, "[{File: /run/key}]", **variable).erasure.keys
    assert keys == (SecretSettings(file=Path("/run/secrets/erasure")),)
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE)
    assert load_settings(path, variable).erasure.keys == keys
