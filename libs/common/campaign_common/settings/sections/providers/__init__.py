"""Sections of the providers: `Simulated`, `Http`, and those below `Providers`."""
