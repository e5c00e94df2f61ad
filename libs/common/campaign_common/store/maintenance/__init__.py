"""Statements of operators' commands, health checks, dashboards, and purging."""
