"""What stops the stack from working, with the exit code that a script sees."""


class StackError(Exception):
    """The text says what is wrong and what to do about it; the command ends with *exit_code*."""

    exit_code = 1


class PartMissing(StackError):
    """A part is not on this machine and cannot be installed by this user (exit code 3)."""

    exit_code = 3


class PortTaken(StackError):
    """Another program holds a port that this stack was given at its first start (exit code 4)."""

    exit_code = 4
