"""Screens of recipient lists."""
