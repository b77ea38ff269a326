from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from emmett.app import App
from emmett.cli.errors import CommandLineError, ImportFailed
from emmett.cli.targets import file_target, load, module_target, split_name
from tests.cli.project import Project


@pytest.mark.parametrize(
    ("text", "location", "name"),
    [
        ("app.py", "app.py", None),
        ("app.py:web", "app.py", "web"),
        ("package.module:web.app", "package.module", "web.app"),
        ("C:\\sites\\app.py", "C:\\sites\\app.py", None),
        ("C:\\sites\\app.py:web", "C:\\sites\\app.py", "web"),
    ],
)
def test_split_name_separates_module_and_name(text: str, location: str, name: str | None) -> None:
    assert split_name(text) == (location, name)


def test_split_name_says_what_to_type_after_the_colon() -> None:
    with pytest.raises(CommandLineError) as caught:
        split_name("app.py:")
    assert "-a app.py" in caught.value.hint


def test_a_file_is_a_module_of_its_folder(project: Project) -> None:
    file = project.write("examples/demo/app.py")
    target = file_target(file, "examples/demo/app.py")
    assert (target.module, target.folder, target.file) == ("app", file.parent, file)


def test_a_file_in_a_package_has_its_full_dotted_name(project: Project) -> None:
    project.write("code/shop/__init__.py", "")
    project.write("code/shop/web/__init__.py", "")
    target = file_target(project.write("code/shop/web/main.py"), "main.py")
    assert (target.module, target.folder) == ("shop.web.main", project.folder / "code")


def test_an_init_file_means_its_package(project: Project) -> None:
    target = file_target(project.write("shop/__init__.py"), "shop/__init__.py")
    assert (target.module, target.folder) == ("shop", project.folder)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ap.py", "-a app.py"), ("app", "-a app.py"), ("app.pyc", "-a app.py"), ("zebra.py", "path/to/app.py")],
)
def test_a_similar_name_is_suggested_for_a_missing_file(project: Project, name: str, hint: str) -> None:
    project.write("app.py")
    with pytest.raises(CommandLineError, match="no file") as caught:
        file_target(Path(name), name)
    assert hint in caught.value.hint


def test_the_suggestion_keeps_the_folder_that_was_typed(project: Project) -> None:
    project.write("demo/app.py")
    with pytest.raises(CommandLineError) as caught:
        file_target(Path("demo/ap.py"), "demo/ap.py")
    assert "-a demo/app.py?" in caught.value.hint


def test_a_file_other_than_python_is_refused(project: Project) -> None:
    with pytest.raises(CommandLineError, match="not a Python file"):
        file_target(project.write("app.txt", ""), "app.txt")


@pytest.mark.parametrize(("name", "better"), [("my-app.py", "my_app"), ("1st.py", "_1st")])
def test_a_file_whose_name_is_no_module_name_must_be_renamed(project: Project, name: str, better: str) -> None:
    with pytest.raises(CommandLineError) as caught:
        file_target(project.write(name), name)
    assert caught.value.hint.endswith(better)


@pytest.mark.parametrize("name", ["", "a..b", "my-app", "app:1"])
def test_an_invalid_dotted_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandLineError, match="neither a file nor the name of a module"):
        module_target(name, tmp_path)


def test_load_returns_the_app_and_how_another_process_imports_it(project: Project) -> None:
    application = load(file_target(project.write("demo/app.py"), "demo/app.py"))
    assert isinstance(application.app, App)
    assert application.import_string == "app:app"
    assert sys.path[0] == os.environ["PYTHONPATH"] == str(project.folder / "demo")


def test_load_keeps_the_entries_of_pythonpath(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    target = file_target(project.write("app.py"), "app.py")
    load(target)
    load(target)
    assert os.environ["PYTHONPATH"] == f"{project.folder}{os.pathsep}/elsewhere"


def test_the_name_app_takes_precedence(project: Project) -> None:
    project.write("two.py", "from emmett import App\nother = App(__name__)\napp = App(__name__)")
    assert load(module_target("two", project.folder)).import_string == "two:app"


def test_a_single_app_is_found_under_any_name_even_under_two(project: Project) -> None:
    project.write("one.py", "from emmett import App\nchat = wsgi = App(__name__)")
    assert load(module_target("one", project.folder)).import_string == "one:chat"


def test_an_app_inside_another_object_is_found_by_its_dotted_name(project: Project) -> None:
    project.write("nested.py", "from emmett import App\nclass web:\n    app = App(__name__)")
    assert load(module_target("nested", project.folder, "web.app")).import_string == "nested:web.app"


def test_several_apps_require_a_choice(project: Project) -> None:
    project.write("two.py", "from emmett import App\nchat = App(__name__)\nadmin = App(__name__)")
    with pytest.raises(CommandLineError, match="several") as caught:
        load(file_target(Path("two.py"), "two.py"))
    assert "-a two.py:chat, -a two.py:admin" in caught.value.hint
    assert load(file_target(Path("two.py"), "two.py", "admin")).import_string == "two:admin"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("x = 1", "write app = App(__name__) into empty.py"),
        ("def create_app(): ...", "write app = create_app() into empty.py"),
    ],
)
def test_a_module_without_an_app_says_what_to_write(project: Project, source: str, hint: str) -> None:
    with pytest.raises(CommandLineError, match=r"empty\.py has no App in it") as caught:
        load(file_target(project.write("empty.py", source), "empty.py"))
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "has no 'nothing' in it"),
        ("number", "'number' in app.py is not an App but of type int"),
        ("make", "'make' in app.py is not an App but the function make"),
    ],
)
def test_a_name_that_is_no_app_is_refused(project: Project, name: str, message: str) -> None:
    file = project.write("app.py", "from emmett import App\nweb = App(__name__)\nnumber = 1\ndef make(): ...")
    with pytest.raises(CommandLineError, match=message) as caught:
        load(file_target(file, "app.py", name))
    assert "-a app.py:web" in caught.value.hint


def test_a_missing_module_says_that_a_file_can_be_typed(project: Project) -> None:
    with pytest.raises(CommandLineError, match="no module nowhere on the path") as caught:
        load(module_target("nowhere.app", project.folder))
    assert "path/to/app.py" in caught.value.hint


def test_a_module_that_the_application_lacks_is_an_import_error(project: Project) -> None:
    project.write("app.py", "import nowhere_to_be_found")
    with pytest.raises(ImportFailed) as caught:
        load(module_target("app", project.folder))
    assert isinstance(caught.value.error, ModuleNotFoundError)


def test_an_import_error_is_raised(project: Project) -> None:
    project.write("app.py", "1 / 0")
    with pytest.raises(ImportFailed, match=r"app\.py cannot be imported: ZeroDivisionError") as caught:
        load(file_target(Path("app.py"), "app.py"))
    assert isinstance(caught.value.error, ZeroDivisionError)


def test_a_script_that_ends_the_process_gets_advice_about_main_guards(project: Project) -> None:
    project.write("app.py", "raise SystemExit(3)")
    with pytest.raises(CommandLineError, match=r"sys\.exit\(3\)") as caught:
        load(file_target(Path("app.py"), "app.py"))
    assert '__name__ == "__main__"' in caught.value.hint


@pytest.mark.parametrize("name", ["code", "json"])
def test_a_file_named_like_an_imported_module_must_be_renamed(project: Project, name: str) -> None:
    __import__(name)
    with pytest.raises(CommandLineError, match=f"another module is called {name} too") as caught:
        load(file_target(project.write(f"{name}.py"), f"{name}.py"))
    assert caught.value.hint == "rename the file"
