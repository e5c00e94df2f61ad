"""Proofs that a request comes from the provider: one module for each way in which they sign."""
