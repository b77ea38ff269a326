from __future__ import annotations

from emmett.cli.errors import CommandLineError, ImportFailed


def test_wrong_input_ends_with_2_and_says_what_to_type() -> None:
    error = CommandLineError("no such file", "type another")
    assert (str(error), error.hint, error.exit_code) == ("no such file", "type another", 2)


def test_a_failed_import_states_the_exception_in_one_line() -> None:
    error = ImportFailed("app.py", KeyError("x"))
    assert str(error) == "app.py cannot be imported: KeyError: 'x'"
