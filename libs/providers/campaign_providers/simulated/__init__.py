"""Simulated provider: delivers nothing, and answers as configured."""

from campaign_providers.simulated.check import SimulatedCheck
from campaign_providers.simulated.provider import SimulatedProvider, simulated_status

__all__ = ["SimulatedCheck", "SimulatedProvider", "simulated_status"]
