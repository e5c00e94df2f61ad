"""Rate limit and concurrency limits."""
