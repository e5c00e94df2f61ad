"""Mappings of callbacks: where a gateway's reports have what, and what its words mean."""
