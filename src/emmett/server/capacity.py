"""The number of connections a process accepts: bounded by its settings and its file descriptors."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

    def raise_file_limit(connections: int) -> int | None:
        """Raise the file limit to what a number of connections needs, as far as the hard limit allows.

        Returns:
            The number of files the process may open; `None` on systems without such a limit.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _files_for(connections)
        if soft == resource.RLIM_INFINITY:
            return None
        if soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return soft

else:

    def raise_file_limit(connections: int) -> int | None:
        """Return `None`: Windows has no such limit."""
        return None


def connection_cap(wanted: int, files: int | None) -> int:
    """Return how many connections to accept; a third of the files is kept for 503 responses and the application.

    Arguments:
        wanted: the setting `server.max_connections`.
        files: the number of files the process may open; `None` for any number.
    """
    return wanted if files is None else max(1, min(wanted, files * 2 // 3))


def refused_at_once(cap: int) -> int:
    """Return the number of connections from which on new ones are dropped.

    Between the cap and this number, connections get 503. Reading their requests takes time and memory, so it is
    bounded.
    """
    return cap + max(16, cap // 8)


def _files_for(connections: int) -> int:
    return connections + connections // 2 + 1
