"""Errors of a rehearsal, beside those of the local stack."""

from local_stack.errors import StackError


class RehearsalError(StackError):
    """A command or a check had an unexpected result; the message shows it."""
