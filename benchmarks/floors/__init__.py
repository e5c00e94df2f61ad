"""Floors: the rates of the servers with a bare loop, without any code of this system."""
