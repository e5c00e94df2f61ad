"""The events of all tables that note who has done what."""
