"""Dashboard: the pages of the API for people, at `/`."""
