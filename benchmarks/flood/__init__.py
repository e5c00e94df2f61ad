"""Floods: many clients that do what no well-behaved client does, from a process of their own."""
