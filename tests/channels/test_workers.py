from __future__ import annotations

import pytest

from emmett.channels.workers import check_workers, count_workers
from emmett.errors import ConfigurationError


@pytest.mark.parametrize(
    ("line", "variables", "expected"),
    [
        ("emmett serve", {"EMMETT_WORKERS": "3"}, 3),
        ("emmett serve", {"EMMETT_WORKERS": "1"}, 1),
        ("emmett serve", {"EMMETT_WORKERS": "many"}, 1),
        ("/venv/bin/uvicorn app:app --workers 2", {}, 2),
        ("/venv/bin/uvicorn --workers=2 app:app", {}, 2),
        ("/site-packages/uvicorn/__main__.py app:app --workers 2", {}, 2),
        ("/venv/bin/uvicorn app:app", {"WEB_CONCURRENCY": "4"}, 4),
        ("/venv/bin/uvicorn app:app --workers 1", {"WEB_CONCURRENCY": "4"}, 1),
        ("/venv/bin/uvicorn app:app --reload", {}, 1),
        ("/venv/bin/gunicorn -w 4 -k uvicorn_worker.UvicornWorker app:app", {}, 4),
        ("/venv/bin/gunicorn -w4 app:app", {}, 4),
        ("/venv/bin/hypercorn -w 2 app:app", {}, 2),
        ("/venv/bin/granian --interface asgi --workers 2 app:app", {}, 2),
        ("/venv/bin/granian --workers", {}, 1),
        # In another program the option has another meaning.
        ("/venv/bin/celery --workers 2", {"WEB_CONCURRENCY": "4"}, 1),
        ("nightly.py -w 2", {}, 1),
        ("", {}, 1),
    ],
)
def test_workers_are_counted(line: str, variables: dict[str, str], expected: int) -> None:
    assert count_workers(line.split(), variables) == expected


def test_several_workers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMMETT_WORKERS", raising=False)
    check_workers()
    monkeypatch.setattr("sys.argv", ["/venv/bin/uvicorn", "app:app", "--workers", "2"])
    with pytest.raises(ConfigurationError, match=r"2 worker processes cannot share channels in memory.*EMMETT_BROKER"):
        check_workers()
