"""Limiting: the grants by which messages of a limited provider are claimed and sent."""
