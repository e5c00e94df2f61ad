"""What can go wrong in a rehearsal beyond what the local stack knows."""

from local_stack.errors import StackError


class RehearsalError(StackError):
    """A command or a check did not come out as it should; the message says which and how."""
