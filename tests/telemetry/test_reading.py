"""Reading the files of one process; `test_gathering.py` adds up several."""

from __future__ import annotations

import json
from pathlib import Path

from emmett.telemetry.instruments import BYTES, MESSAGES, PUBLISHING
from emmett.telemetry.reading import EndedReader, MeasurementReader, OwnReader, StoreReader
from emmett.telemetry.store import MeasurementStore, size_of

SENT = ("/echo", "sent")


def read(reader: MeasurementReader) -> list[float]:
    reader.open()
    for _ in reader.parse():
        pass
    *numbers, zero = reader.numbers()
    assert zero == 0
    return numbers


def test_a_store_of_this_process_is_read() -> None:
    store = MeasurementStore()
    reader = OwnReader(store)
    assert read(reader) == []
    store.add(MESSAGES, SENT, 2)
    assert read(reader) == [2]
    assert (reader.series, reader.is_alive, reader.changes) == ([(MESSAGES, SENT)], True, 1)
    store.add(MESSAGES, SENT, 2)
    assert (read(reader), reader.changes) == ([4], 1)
    store.close()


def test_an_incomplete_line_is_read_the_next_time(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path, "1")
    store.add(MESSAGES, SENT, 2)
    reader = StoreReader(tmp_path / "1.series")
    line = json.dumps([BYTES.name, *SENT]).encode() + b"\n"
    with open(tmp_path / "1.series", "ab", buffering=0) as file:
        file.write(line[:20])
        assert (read(reader), reader.changes) == ([2], 2)
        file.write(line[20:])
        assert (read(reader), reader.series[1:]) == ([2, 0], [(BYTES, SENT)])
    store.close()


def test_the_end_of_a_process_is_noticed(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path, "1")
    store.add(MESSAGES, SENT, 2)
    reader = StoreReader(tmp_path / "1.series")
    assert (read(reader), reader.is_alive) == ([2], True)
    changes = reader.changes
    store.close()
    assert (read(reader), reader.is_alive, reader.changes) == ([2], False, changes + 1)
    (tmp_path / "1.values").unlink()
    assert read(reader) == [0]


def test_the_file_of_ended_processes_is_read_again_when_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ended"
    reader = EndedReader(path)
    assert read(reader) == []
    numbers = [0.5, *[1.0] * (size_of(PUBLISHING) - 1)]
    for changes, count in enumerate((3.0, 4.0), 1):
        rows = [[MESSAGES.name, *SENT, [count]], [PUBLISHING.name, numbers]]
        (tmp_path / "new").write_text("\n".join(map(json.dumps, rows)), "utf-8")
        (tmp_path / "new").rename(path)
        for _ in range(2):
            assert (read(reader), reader.changes) == ([count, *numbers], changes)
    assert (reader.series, reader.is_alive) == ([(MESSAGES, SENT), (PUBLISHING, ())], False)
