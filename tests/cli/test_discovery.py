from __future__ import annotations

from pathlib import Path

import pytest

from emmett.cli.discovery import FILES, Selection, defines_app, discover, find
from emmett.cli.errors import CommandLineError, ImportFailed
from tests.cli.project import APP, Project

FACTORY = """
    from emmett import App

    def build():
        return App(__name__)

    application = build()
"""


@pytest.mark.parametrize(
    ("file", "import_string"),
    [
        ("app.py", "app:app"),
        ("main.py", "main:app"),
        ("asgi.py", "asgi:app"),
        ("wsgi.py", "wsgi:app"),
        ("application.py", "application:app"),
        ("app/__init__.py", "app:app"),
        ("shop/__init__.py", "shop:app"),
    ],
)
def test_the_current_folder_is_searched(project: Project, file: str, import_string: str) -> None:
    project.write(file)
    assert discover(Path.cwd()).import_string == import_string


@pytest.mark.parametrize("package", ["app", "shop"])
def test_a_package_may_have_it_in_its_app_file(project: Project, package: str) -> None:
    project.write(f"{package}/__init__.py", "")
    project.write(f"{package}/app.py")
    assert discover(Path.cwd()).import_string == f"{package}.app:app"


def test_files_are_imported_in_order_if_none_visibly_defines_an_app(project: Project) -> None:
    project.write("app.py", "settings = 1")
    project.write("main.py", FACTORY)
    project.write("wsgi.py", "raise SystemExit('never imported')")
    assert discover(Path.cwd()).import_string == "main:application"
    assert FILES.index("main.py") < FILES.index("wsgi.py")


def test_a_script_next_to_the_application_is_not_run(project: Project) -> None:
    project.write("app.py", "raise AssertionError('imported')")
    project.write("main.py")
    assert discover(Path.cwd()).import_string == "main:app"


def test_a_file_that_imports_the_application_is_no_second_application(project: Project) -> None:
    project.write("app.py")
    project.write("wsgi.py", "from app import app")
    assert discover(Path.cwd()).import_string == "app:app"


def test_several_applications_require_a_choice(project: Project) -> None:
    project.write("app.py")
    project.write("main.py")
    with pytest.raises(CommandLineError, match="several applications") as caught:
        discover(Path.cwd())
    assert caught.value.hint == "choose one of -a app.py, -a main.py"


def test_an_empty_folder_says_what_to_type(project: Project) -> None:
    with pytest.raises(CommandLineError, match="no application in") as caught:
        discover(Path.cwd())
    assert "-a path/to/app.py or -a package.module:name" in caught.value.hint


def test_a_file_with_another_name_is_suggested_but_not_run(project: Project) -> None:
    project.write("chat.py", APP + "\n    raise AssertionError('imported')")
    with pytest.raises(CommandLineError) as caught:
        discover(Path.cwd())
    assert caught.value.hint == "did you mean -a chat.py?"


def test_a_file_with_a_usual_name_but_no_app_is_named(project: Project) -> None:
    project.write("main.py", "x = 1")
    with pytest.raises(CommandLineError, match=r"no App in main\.py") as caught:
        discover(Path.cwd())
    assert "write app = App(__name__)" in caught.value.hint


def test_an_error_in_a_file_with_a_usual_name_is_an_import_error(project: Project) -> None:
    project.write("app.py", "app = App(")
    with pytest.raises(ImportFailed) as caught:
        discover(Path.cwd())
    assert isinstance(caught.value.error, SyntaxError)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("app = App(__name__)", True),
        ("app: App = emmett.App(__name__)", True),
        ("'''\napp = App(__name__)\n'''", False),
        ("def build():\n    app = App(__name__)", False),
        ("app = Application()", False),
        ("app = App(", False),
        ("", False),
    ],
)
def test_defines_app_finds_assignments_of_an_app(project: Project, source: str, expected: bool) -> None:
    assert defines_app(project.write("some.py", source)) is expected


def test_defines_app_is_false_for_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(b"\xff\x00")
    assert not defines_app(tmp_path / "binary.py")
    assert not defines_app(tmp_path / "missing.py")


@pytest.mark.parametrize(
    ("text", "import_string"),
    [
        ("demo/app.py", "app:app"),
        ("demo/app.py:app", "app:app"),
        ("demo", "app:app"),
        ("demo/", "app:app"),
        ("./demo:app", "app:app"),
        ("demo.app", "demo.app:app"),
        ("shop", "shop:web"),
        ("shop/", "shop:web"),
        ("shop:web", "shop:web"),
    ],
)
def test_find_accepts_files_folders_and_modules(project: Project, text: str, import_string: str) -> None:
    project.write("demo/app.py")
    project.write("shop/__init__.py", "from emmett import App\nweb = App(__name__)")
    assert find(text, Path.cwd()).import_string == import_string


def test_hints_for_a_folder_keep_the_folder(project: Project) -> None:
    project.write("demo/app.py")
    project.write("demo/main.py")
    with pytest.raises(CommandLineError) as caught:
        find("demo", Path.cwd())
    assert caught.value.hint == "choose one of -a demo/app.py, -a demo/main.py"


def test_a_selection_imports_once(project: Project) -> None:
    project.write("app.py")
    selection = Selection("app.py")
    assert selection.load() is selection.load()


def test_a_selection_fails_in_the_same_way_each_time(project: Project) -> None:
    project.write("app.py", "1 / 0")
    selection = Selection(None)
    with pytest.raises(ImportFailed) as first:
        selection.load()
    project.write("app.py")
    with pytest.raises(ImportFailed) as second:
        selection.load()
    assert first.value is second.value


def test_a_selection_says_where_it_came_from(project: Project) -> None:
    with pytest.raises(CommandLineError) as caught:
        Selection("nope.py", "EMMETT_APP").load()
    assert "(EMMETT_APP is 'nope.py')" in caught.value.message
