"""The errors that end a command: wrong input, and an application that cannot be imported."""

from __future__ import annotations


class CommandLineError(Exception):
    """Wrong input, or an obstacle on this machine.

    Arguments:
        message: what is wrong.
        hint: what to type or do instead; may be empty.
        exit_code: the exit code of the process: 2 for wrong input, 1 for an obstacle on this machine.
    """

    def __init__(self, message: str, hint: str = "", *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class ImportFailed(Exception):
    """Importing the application raised an error.

    Arguments:
        origin: the file or the module that was imported.
        error: the error that it raised.
    """

    def __init__(self, origin: str, error: Exception) -> None:
        super().__init__(f"{origin} cannot be imported: {type(error).__name__}: {error}")
        self.origin = origin
        self.error = error
