"""`emmett doctor`: checks this machine and the configuration for production."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..environment import WORKERS
from ..errors import EmmettError
from .discovery import Selection

if TYPE_CHECKING:
    from ..channels import Channels
    from .diagnosis import Finding

STYLES = {"problem": "bold red", "advice": "yellow", "ok": "green"}


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="The number of processes that will serve.",
)
@click.option("--broker/--no-broker", default=True, show_default=True, help="Connect to the broker and try it.")
@click.pass_obj
def doctor(selection: Selection, workers: int | None, broker: bool) -> None:
    """Check this machine and the configuration for problems in production.

    The exit code is 1 if there is a problem. Run it where the application will run, as the same user.
    """
    from ..channels import Channels
    from .diagnosis import diagnose, inspect_machine

    app = selection.load().app
    count = workers or int(os.environ.get(WORKERS) or 1)
    every = [each for each in app.wired if isinstance(each, Channels)]
    machine = inspect_machine(app.config.server.max_connections)
    findings = list(diagnose(machine, app.config, count, sum(each.is_in_memory for each in every)))
    if broker:
        findings += _try_brokers([each for each in every if not each.is_in_memory])
    _print(findings)
    if any(finding.level == "problem" for finding in findings):
        raise click.exceptions.Exit(1)


def _try_brokers(every: list[Channels]) -> Iterator[Finding]:
    from .diagnosis import Finding

    async def check(channels: Channels) -> list[str]:
        async with channels:
            return (await channels.check()).problems

    for channels in every:
        try:
            problems = asyncio.run(check(channels))
        except EmmettError as error:
            problems = [str(error)]
        if problems:
            yield Finding("problem", "broker: " + "; ".join(problems), "fix it, or skip this check with --no-broker")
        else:
            yield Finding("ok", "broker: everything that the application needs works")


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    from .printing import answers_to

    console = answers_to()
    for level, text, advice in findings:
        line = Text.assemble((f"{level:<8}", STYLES[level]), text)
        if advice:
            line.append(f"\n        {advice}")
        console.print(line, soft_wrap=True)
