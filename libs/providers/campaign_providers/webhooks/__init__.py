"""Events that are signed and posted to the URLs of others (Standard Webhooks 1.0)."""
