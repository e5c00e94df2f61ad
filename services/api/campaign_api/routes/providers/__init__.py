"""Routes of /v1/providers and /v1/routes: state, checks, and weights."""
