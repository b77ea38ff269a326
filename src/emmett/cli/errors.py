"""How a command ends early: wrong input, or an application that cannot be imported."""

from __future__ import annotations


class CommandLineError(Exception):
    """Input that cannot be right.

    Arguments:
        message: what is wrong.
        hint: what to type instead; may be empty.
        exit_code: of the process; 2 for what was typed, 1 for what the machine does not allow.
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
        error: what it raised.
    """

    def __init__(self, origin: str, error: Exception) -> None:
        super().__init__(f"{origin} cannot be imported: {type(error).__name__}: {error}")
        self.origin = origin
        self.error = error
