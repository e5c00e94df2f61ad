"""Benchmarks of the system's speed and cost, as ratios to the most that its servers can do."""
