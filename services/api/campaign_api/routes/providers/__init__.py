"""Routes of /v1/providers and /v1/routes: state, limits, checks, and weights."""
