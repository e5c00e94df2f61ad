"""Admission: the decision which fetched messages may be sent."""
