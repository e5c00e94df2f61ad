"""Callbacks of providers: requests without an API key, and the commits that they wait for."""
