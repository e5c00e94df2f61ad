"""Events that webhooks are told of, and the retries of their delivery."""
