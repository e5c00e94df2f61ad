"""Screens of the dashboard: one module for each, in a package for each subject."""
