"""Liveness and readiness of a service, and the checks behind them."""
