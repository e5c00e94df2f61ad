"""Routing: the providers that messages may take, and the choice among them."""
