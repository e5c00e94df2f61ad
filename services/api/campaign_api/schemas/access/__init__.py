"""API keys, and the client of a request, in requests and responses."""
