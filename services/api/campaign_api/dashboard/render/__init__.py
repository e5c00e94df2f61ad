"""Templates and what they show: texts, numbers, times, static files."""
