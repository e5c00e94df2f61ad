"""Telemetry: metrics, and the heartbeat of the process."""
