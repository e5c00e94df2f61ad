"""What the system costs and how fast it is, as ratios to what its servers can do at all."""
