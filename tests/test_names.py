"""A name means one thing: no class name is used twice in the source."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.imports import source_files


def test_no_class_name_is_used_twice() -> None:
    modules = defaultdict(list)
    for module, path in source_files().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(module)
    twice = {name: found for name, found in modules.items() if len(found) > 1}
    assert not twice, f"give each class a name of its own: {twice}"
