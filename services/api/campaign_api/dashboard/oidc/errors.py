"""Errors of a sign-in by an OpenID provider, in words for the person who signs in."""


class SignInFailed(Exception):
    """A sign-in was refused, or what the provider says is not to be believed."""

    status = 403


class SignInNotBegun(SignInFailed):
    """The browser has not begun this sign-in, or too long ago."""

    status = 400


class ProviderUnavailable(SignInFailed):
    """The provider does not answer in time, or not as one."""

    status = 503
