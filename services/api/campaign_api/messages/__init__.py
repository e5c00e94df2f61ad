"""Messages and people: listing, export, statistics, erasure."""
