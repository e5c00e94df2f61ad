"""What is measured, a scenario a file."""
