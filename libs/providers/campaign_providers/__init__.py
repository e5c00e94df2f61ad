"""Providers: the clients that hand messages over to gateways, a folder for each kind.

`contract` says what a provider is, `check` what a check of one shows, and `registry` makes those
that the configuration names.
"""
