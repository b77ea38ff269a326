from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import publish as publishing
from benchmarks import run
from benchmarks.publish import DOCS, MarkersMissing, publish, put
from tests.benchmarks.results_data import results, sample

RUN = results(sample("ours", 2), sample("raw", 3))
BEGIN = "<!-- benchmarks: begin. Written by benchmarks/run.py; do not edit. -->"
END = "<!-- benchmarks: end -->"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "performance.md").write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter.\n", "utf-8")
    return tmp_path


def test_only_the_text_between_the_markers_is_replaced(docs: Path) -> None:
    written = publish(RUN, docs)
    page = (docs / "performance.md").read_text("utf-8")
    assert page.startswith(f"# Before\n\n{BEGIN}\n\n- Made:")
    assert page.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in page
    assert written == [docs / "images" / "benchmark-echo-64.svg", docs / "performance.md"]
    assert written[0].read_text("utf-8").startswith("<svg")
    publish(RUN, docs)
    assert (docs / "performance.md").read_text("utf-8") == page


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_markers_is_left_alone(page: str, docs: Path) -> None:
    (docs / "performance.md").write_text(page, "utf-8")
    with pytest.raises(MarkersMissing, match="two lines"):
        publish(RUN, docs)
    assert not (docs / "images").exists()


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("performance.md", "benchmarks"),
        ("channels.md", "bench-channels"),
        ("scaling.md", "bench-capacity-model"),
        ("scaling.md", "bench-capacity-slow"),
    ],
)
def test_the_pages_of_the_project_have_their_markers(page: str, name: str, tmp_path: Path) -> None:
    copy = tmp_path / page
    copy.write_text((DOCS / page).read_text("utf-8"), "utf-8")
    put("figures", name, copy)
    assert f"<!-- {name}: begin. Written by benchmarks/run.py; do not edit. -->\n\nfigures\n\n" in copy.read_text(
        "utf-8"
    )


def test_a_stored_run_can_be_published(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "results.json").write_text(json.dumps(RUN.data), "utf-8")
    monkeypatch.setattr(run, "publish", lambda results: publishing.publish(results, docs))
    done = CliRunner().invoke(run.main, ["publish", str(docs / "results.json")])
    assert done.exit_code == 0, done.output
    assert "performance.md" in done.output
