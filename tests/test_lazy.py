"""Names that a package imports when they are used."""

from __future__ import annotations

import pytest

from emmett.lazy import import_later

get, names = import_later("xml", ["dom", "minidom", "parseString"], parseString=".dom.minidom")


def test_a_name_comes_from_its_module() -> None:
    from xml.dom.minidom import parseString

    assert get("parseString") is parseString


@pytest.mark.parametrize("name", ["parse", "minidom", "__path__"])
def test_any_other_name_is_missing_as_usual(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'xml' has no attribute '{name}'"):
        get(name)


def test_dir_lists_what_the_package_exports() -> None:
    assert names() == ["dom", "minidom", "parseString"]
