"""API keys as the API and the pages make, list and revoke them."""
