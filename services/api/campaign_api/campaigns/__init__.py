"""What the API does with campaigns: making, changing, trying out, and saying how far they are."""
