"""`make clients`: measures the clients that can be installed here, and writes the tables of docs/clients.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.environments import EnvironmentUnavailable, make_folder
from benchmarks.publish import put
from clients.catalogue import FOLDER, RETURNING, TALKING, Client
from clients.measure import measure_idle, measure_refusal, measure_return, measure_sizes, measure_talk
from clients.tables import legend, returning_table, talking_table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "clients.md"
COMMAND = "clients/run.py"


# Clients that are measured at the same time, where all they do is wait.
AT_ONCE = 4
FAILURES = (EnvironmentUnavailable, TimeoutError, EOFError, OSError)


async def measure_talking(client: Client) -> dict[str, Any]:
    """Return what a client sends and sees, without what takes an idle connection."""
    found = await measure_talk(client)
    found["refusal"] = await measure_refusal(client)
    if not client.greeting:
        found.update(await measure_sizes(client))
    return found


async def measure_each(
    clients: Sequence[Client], measure: Callable[[Client], Awaitable[dict[str, Any]]], at_once: int
) -> dict[str, dict[str, Any]]:
    """Return what was measured of each client. One that cannot be measured is reported and left out."""
    free = asyncio.Semaphore(at_once)

    async def one(client: Client) -> dict[str, Any] | None:
        async with free:
            try:
                found = await measure(client)
            except FAILURES as error:
                click.echo(f"{client.name}: left out: {type(error).__name__} {error}", err=True)
                return None
        click.echo(f"{client.name}: {found}", err=True)
        return found

    results = await asyncio.gather(*map(one, clients))
    return {client.name: found for client, found in zip(clients, results, strict=True) if found is not None}


async def measure_all(
    talking: Sequence[Client], returning: Sequence[Client]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Measure what clients send and see, one after another, and what they do while nothing happens."""
    talked = await measure_each(talking, measure_talking, 1)
    idle = await measure_each([client for client in talking if client.name in talked], measure_idle, AT_ONCE)
    complete = {name: {**talked[name], **found} for name, found in idle.items()}
    return complete, await measure_each(returning, measure_return, AT_ONCE)


@click.command()
@click.option(
    "--only",
    default="",
    metavar="NAMES",
    help="Only these, with commas between them; what was measured of others before stays in the tables.",
)
@click.option("--publish", is_flag=True, help="Put the tables into docs/clients.md.")
def main(only: str, publish: bool) -> None:
    """Measure what real clients send, see and do."""
    names = set(filter(None, only.split(",")))
    unknown = names - {client.name for client in (*TALKING, *RETURNING)}
    if unknown:
        known = ", ".join(sorted({client.name for client in (*TALKING, *RETURNING)}))
        raise click.BadParameter(f"unknown: {', '.join(sorted(unknown))}; there are {known}", param_hint="--only")
    talking = [client for client in TALKING if not names or client.name in names]
    returning = [client for client in RETURNING if not names or client.name in names]
    talked, returned = asyncio.run(measure_all(talking, returning))
    make_folder(FOLDER)
    file = FOLDER / "results.json"
    before = json.loads(file.read_text("utf-8")) if file.exists() else {"talking": {}, "returning": {}}
    results = {"talking": before["talking"] | talked, "returning": before["returning"] | returned}
    file.write_text(json.dumps(results, indent=2), "utf-8")
    tables = {
        "clients-talking": talking_table(results["talking"]),
        "clients-returning": returning_table(results["returning"]),
    }
    click.echo("\n\n".join((*tables.values(), legend())))
    if publish:
        for name, table in tables.items():
            put(table, name, PAGE, command=COMMAND)


if __name__ == "__main__":
    main()
