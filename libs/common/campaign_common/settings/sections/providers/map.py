"""Providers: any number of them, by name, each of a kind and over a preset where it names one."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from campaign_common.settings.declaration import NamedSections
from campaign_common.settings.presets import preset_document, preset_names
from campaign_common.settings.sections.providers.answers import written_rules
from campaign_common.settings.sections.providers.named import SimulatedProviderSettings
from campaign_common.settings.sections.providers.request import HttpProviderSettings

KINDS: Mapping[str, type] = {"http": HttpProviderSettings, "simulated": SimulatedProviderSettings}


class ProviderMap(NamedSections):
    """Providers by name; `Kind` says which keys one has."""

    def __init__(self) -> None:
        super().__init__(KINDS, "providers")

    def written(self, section: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the keys of a provider, laid over its preset."""
        name = section.get("Preset")
        if name is None:
            return section
        if name not in preset_names():
            known = ", ".join(preset_names()) or "none, there are no presets"
            raise ValidationError({"Preset": [f"expected one of {known}"]})
        return laid_over(section, preset_document(name))

    def alternative(self, section: Mapping[str, Any]) -> str:
        """Return the kind of a provider."""
        kind = section.get("Kind")
        if kind not in KINDS:
            missing = "the key is missing; " if kind is None else ""
            raise ValidationError({"Kind": [f"{missing}expected one of {', '.join(KINDS)}"]})
        return str(kind)


def laid_over(given: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset's document with the keys of a provider over it.

    Mappings are merged, `null` takes a key of the preset away, everything else replaces it. The
    provider's `Answers` go before those of the preset.
    """
    merged = _merged(given, preset)
    if given.get("Answers") is not None and "Answers" in preset:
        merged["Answers"] = [*written_rules(given["Answers"]), *written_rules(preset["Answers"])]
    return merged


def _merged(given: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in given.items():
        if value is None and name in below:
            del merged[name]
        elif isinstance(value, dict) and isinstance(below.get(name), dict):
            merged[name] = _merged(value, below[name])
        else:
            merged[name] = value
    return merged
