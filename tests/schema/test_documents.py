from __future__ import annotations

from emmett.schema.documents import Keys, documented, summarise, without_discriminators


def test_keys_are_valid_and_unique() -> None:
    keys = Keys()
    assert [keys.add(name) for name in ("a b", "a_b", "a.b-c", "", "a/b")] == ["a_b", "a_b_2", "a.b-c", "_", "a_b_3"]


def test_a_docstring_of_one_line_is_a_summary() -> None:
    assert documented("") == {}
    assert documented("Say it.") == {"summary": "Say it."}
    assert documented("Say it.\n\nLoudly.") == {"summary": "Say it.", "description": "Say it.\n\nLoudly."}
    assert summarise("Say it. \nLoudly.") == "Say it."


def test_only_a_discriminator_that_is_an_object_is_left_out() -> None:
    assert without_discriminators({"discriminator": {"propertyName": "type"}, "type": "object"}) == {"type": "object"}
    assert without_discriminators({"discriminator": "type"}) == {"discriminator": "type"}
