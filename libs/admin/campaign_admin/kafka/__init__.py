"""Reports on the topic, and on the rights of its users."""
