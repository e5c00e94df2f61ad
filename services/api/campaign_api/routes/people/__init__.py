"""Routes about people, over all campaigns and lists."""
