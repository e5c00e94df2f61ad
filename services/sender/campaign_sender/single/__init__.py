"""Single messages on their way to a provider: test messages, and answers to keywords."""
