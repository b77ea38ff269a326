from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.environments import ROOT
from benchmarks.publish import BEGIN, END, MarkersMissing, main, publish, replaced
from tests.benchmarks.results_data import results, sample

RUN = results(sample("ours", 2), sample("raw", 3))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "performance.md").write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter.\n", "utf-8")
    return tmp_path


def test_what_is_between_the_markers_is_replaced_and_nothing_else(docs: Path) -> None:
    assert replaced(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb"
    written = publish(RUN, docs)
    page = (docs / "performance.md").read_text("utf-8")
    assert page.startswith(f"# Before\n\n{BEGIN}\n")
    assert page.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in page
    assert written == [docs / "images" / "benchmark-echo-64.svg", docs / "performance.md"]
    assert (docs / "images" / "benchmark-echo-64.svg").read_text("utf-8").startswith("<svg")
    publish(RUN, docs)
    assert (docs / "performance.md").read_text("utf-8") == page


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_markers_is_left_alone(page: str, docs: Path) -> None:
    (docs / "performance.md").write_text(page, "utf-8")
    with pytest.raises(MarkersMissing, match="two lines"):
        publish(RUN, docs)
    assert not (docs / "images").exists()


def test_the_projects_own_page_has_its_markers() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert replaced(page, "figures") != page


def test_a_file_is_needed(tmp_path: Path) -> None:
    missing = CliRunner().invoke(main, [str(tmp_path / "none.json")])
    assert missing.exit_code == 2
    assert "does not exist" in missing.output


def test_a_stored_run_can_be_published(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "results.json").write_text(json.dumps(RUN.data), "utf-8")
    monkeypatch.setattr("benchmarks.publish.publish", lambda results: publish(results, docs))
    done = CliRunner().invoke(main, [str(docs / "results.json")])
    assert done.exit_code == 0
    assert "performance.md" in done.output
