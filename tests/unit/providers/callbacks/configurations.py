"""Configurations with callbacks, for the tests of what follows from them."""

from pathlib import Path
from typing import Any

import yaml

from campaign_common.settings import Settings, load_settings
from campaign_common.settings.presets import preset_document
from tests.support.sample import SAMPLE

BASE_URL = "https://camp.example.com"
FIRST = "first-secret-of-references"
SECOND = "second-secret-of-references"
CALLBACKS: dict[str, Any] = {"BaseUrl": BASE_URL, "Secrets": [{"Value": FIRST}]}
PUBLIC_KEY = "A" * 43 + "="
URLS = {"infobip", "jasmin", "kannel"}


def with_callbacks(folder: Path, **sections: object) -> Settings:
    """Load a configuration with callbacks."""
    path = folder / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Callbacks": CALLBACKS, **sections}))
    return load_settings(path, {})


def without_callbacks(folder: Path, **sections: object) -> Settings:
    """Load a configuration without callbacks."""
    path = folder / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump(sections))
    return load_settings(path, {})


def preset_provider(preset: str, **keys: object) -> dict[str, Any]:
    """Return the keys of a provider of a preset, with all the secrets that it names."""
    names = {part.partition("}")[0] for part in str(preset_document(preset)).split("{secret.")[1:]}
    values = {name: PUBLIC_KEY if name == "public_key" else f"value-of-{name}" for name in names}
    return {
        "Preset": preset,
        "Secrets": {name: {"Value": value} for name, value in values.items()},
        **({"Url": "https://gateway.example/send"} if preset in URLS else {}),
        **keys,
    }
