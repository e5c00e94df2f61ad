"""Jobs that the scheduler runs at intervals, one module for each."""
