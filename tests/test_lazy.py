"""Names that a package imports when they are used."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from emmett.lazy import LaterModule, import_later

get, names = import_later("xml", ["dom", "minidom", "parseString"], parseString=".dom.minidom")


def test_a_name_is_imported_from_its_module() -> None:
    from xml.dom.minidom import parseString

    assert get("parseString") is parseString


@pytest.mark.parametrize("name", ["parse", "minidom", "__path__"])
def test_any_other_name_is_missing_as_usual(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'xml' has no attribute '{name}'"):
        get(name)


def test_dir_lists_what_the_package_exports() -> None:
    assert names() == ["dom", "minidom", "parseString"]


def test_a_module_is_imported_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    later = LaterModule("later_module_of_this_test")
    module = ModuleType("later_module_of_this_test")
    module.value = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    first = later.value
    assert first is module.value
    # The second use does not import the module again.
    monkeypatch.delitem(sys.modules, module.__name__)
    assert later.value is first


def test_a_module_may_be_relative_to_a_package() -> None:
    from xml.dom import minidom

    assert LaterModule(".minidom", "xml.dom").parseString is minidom.parseString


def test_a_module_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError, match="parse_number"):
        _ = LaterModule("xml.dom.minidom").parse_number
