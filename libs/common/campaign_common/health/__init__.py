"""Liveness and readiness of a service, and the checks that they rest on."""
