"""Presets: what is known of a gateway, as YAML that a provider's keys are laid over.

A file NAME.yaml beside this module is the preset NAME; it has the keys of a provider.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

SUFFIX = ".yaml"


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    here = files(__name__).iterdir()
    return tuple(sorted(f.name.removesuffix(SUFFIX) for f in here if f.name.endswith(SUFFIX)))


@cache
def preset_document(name: str) -> dict[str, Any]:
    """Return the keys of a preset that is among `preset_names`."""
    text = (files(__name__) / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document
