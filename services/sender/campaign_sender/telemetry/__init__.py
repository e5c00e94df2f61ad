"""Telemetry: gauges, and the heartbeat of the process."""
