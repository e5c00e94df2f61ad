"""Errors of the local stack; each message is one line that says what to do."""


class StackError(Exception):
    """Base of the local stack's errors; the message is for the person who started it."""


class ProgramMissingError(StackError):
    """A program this machine needs is not installed."""


class DownloadError(StackError):
    """A server could not be fetched or unpacked."""


class StartError(StackError):
    """A process ended or stayed silent before it was ready."""


class PortTakenError(StackError):
    """The port the API should listen on belongs to another program."""


class ProcessDiedError(StackError):
    """A process of a running stack ended unexpectedly."""


class DemoError(StackError):
    """The demo did not account for every recipient, or stopped moving."""
