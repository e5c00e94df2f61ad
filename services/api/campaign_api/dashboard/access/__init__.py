"""Sessions, visitors, and where people may sign in."""
