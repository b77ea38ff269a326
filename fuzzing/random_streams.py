"""Random streams for the check of the two engines without atheris: under the sanitizers, and in `.ci/run`.

`python -m fuzzing.random_streams --seconds 60` mutates seeds at random, and ends at the first difference. `make fuzz`
uses atheris, which is better at finding inputs, but has its own sanitizer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import click

from fuzzing.checks import engines


def mutated(dice: random.Random, seeds: list[bytes]) -> bytes:
    """Return a seed with changes, or joined with a part of another one."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.randrange(6)):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[place:place] = dice.choice(seeds)[4:][: dice.randrange(300)]
            case 1:
                del data[place : place + dice.randrange(20)]
            case _ if place < len(data):
                data[place] ^= 1 << dice.randrange(8)
    if dice.random() < 0.5:
        data[:4] = dice.randbytes(4)
    return bytes(data)


def streams(seed: int) -> Iterator[bytes]:
    """Yield an endless sequence of streams, the same for the same seed."""
    dice = random.Random(seed)
    seeds = list(engines.seeds())
    while True:
        yield mutated(dice, seeds)


@click.command()
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(1))
@click.option("--seed", default=None, type=int, help="Repeat the streams of an earlier run.")
def main(seconds: float, seed: int | None) -> None:
    """Compare the two engines for some seconds."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    end = time.monotonic() + seconds
    count = 0
    for count, stream in enumerate(streams(seed), 1):
        try:
            engines.check(stream)
        except AssertionError:
            click.echo(f"with --seed {seed}, stream {count}: {stream.hex()}", err=True)
            raise
        if time.monotonic() > end:
            break
    click.echo(f"{count:,} streams, no difference (seed {seed})")


if __name__ == "__main__":
    main()
