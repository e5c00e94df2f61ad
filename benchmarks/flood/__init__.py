"""Floods: many misbehaving clients, in a process of their own."""
