"""`emmett kick`: close a connection of a running service, or all those of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..wire.close import check_to_send
from .discovery import Selection
from .errors import CommandLineError
from .service import find_inspector, run

if TYPE_CHECKING:
    from ..inspector import Inspector
    from ..users import Users


@click.command()
@click.argument("connection", required=False)
@click.option("--user", metavar="USER", help="All connections of this user, instead of one.")
@click.option("--code", type=int, default=1008, help="The close code; 1008 by default.")
@click.option("--reason", default="", help="The reason, which the client sees; at most 123 bytes.")
@click.pass_obj
def kick(selection: Selection, connection: str | None, user: str | None, code: int, reason: str) -> None:
    """Close CONNECTION, an ID that emmett ps shows; or with --user all connections of a user, on all nodes.

    The client may come back: the application decides whether it accepts it again.
    """
    if (connection is None) == (user is None):
        raise CommandLineError("kick: expected either a connection or --user", "emmett ps shows the connections")
    try:
        check_to_send(code, reason)
    except ValueError as error:
        raise CommandLineError(str(error)) from None
    inspector = find_inspector(selection)

    async def work(inspector: Inspector) -> None:
        from .printing import print_answer

        if connection is not None:
            print_answer(f"{connection}: {await inspector.close(connection, code, reason)}")
        else:
            assert user is not None
            users = _find_users(selection)
            known = (await users.online()).get(user, 0)
            await users.kick(user, code, reason)
            # Presence may lag, so all nodes are asked even if no connection is known.
            print_answer(f"{user}: asked all nodes to close with {code}; connections: {known}")

    run(inspector, work)


def _find_users(selection: Selection) -> Users:
    from ..users import Users

    users = next((each for each in selection.load().app.wired if isinstance(each, Users)), None)
    if users is None:
        raise CommandLineError("the application has no users", "write users = Users(app, channels)")
    return users
