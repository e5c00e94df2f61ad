"""Providers: their state for operators, and checks of them."""
