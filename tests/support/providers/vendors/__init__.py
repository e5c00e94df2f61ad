"""Scripted doubles of gateways, which take requests and refuse them as their documents say."""
