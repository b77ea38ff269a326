"""What connections cost that only are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.plan import LoadFailed, LoadResult
from benchmarks.scenarios.echo import ECHO_PATH
from benchmarks.scenarios.scenario import MEMORY, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class MemoryScenario(LoadScenario):
    """Memory of the server's processes for each idle connection, beyond the first 64, without the kernel's share."""

    feature: str = "memory"
    unit: Unit = MEMORY
    most_rounds: int | None = 2

    def plan(self) -> dict[str, Any]:
        return {"kind": "idle", "path": ECHO_PATH}

    def possible(self, connections: int) -> int:
        """Take less when there may not be so many open files: it is an average after all."""
        return connections if connections >= self.connections / 2 else super().possible(connections)

    def value(self, result: LoadResult) -> float:
        if result.memory is None:
            raise LoadFailed("the load generator measured no memory")
        return result.memory / result.count


SCENARIOS = (
    MemoryScenario(name="memory-5000", title="Memory of an idle connection, of 5,000", connections=5000),
    MemoryScenario(name="memory-15000", title="Memory of an idle connection, of 15,000", connections=15_000),
)
