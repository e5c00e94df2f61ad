"""Routes below /v1/providers: state and checks."""
