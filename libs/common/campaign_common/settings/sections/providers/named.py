"""Settings that every provider below `Providers` has."""

from typing import Literal

from campaign_common.settings.declaration import key, section_class
from campaign_common.settings.fields.plain import Choice, String
from campaign_common.settings.sections.providers.simulated import SimulatedSettings


@section_class
class ProviderSettings:
    """A provider below `Providers`."""

    preset: str | None = key("Preset", String(longest=32, null=True), default=None)
    """The preset that these keys are laid over; see below."""


@section_class
class SimulatedProviderSettings(SimulatedSettings, ProviderSettings):
    """A simulated provider below `Providers`."""

    kind: Literal["simulated"] = key("Kind", Choice("simulated"))
    """The protocol."""
