"""Connections: a pool of them, their dialer, and the addresses that it may connect to."""
