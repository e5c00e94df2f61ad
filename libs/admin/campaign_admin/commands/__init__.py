"""Command line programs that are not services."""
