"""Routes about access itself: API keys, and who asks."""
