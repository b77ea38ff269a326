"""How many connections a process takes: as many as it is told to, and has file descriptors for."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

    def raise_file_limit(connections: int) -> int | None:
        """Let the process open the files that so many connections need, as far as its hard limit allows.

        Returns:
            How many files the process may open; `None` where there is no such limit.
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
        """Windows has no such limit."""
        return None


def connection_cap(wanted: int, files: int | None) -> int:
    """Return how many connections to take; a third of the files stays for telling others 503 and for the application.

    Arguments:
        wanted: the setting `server.max_connections`.
        files: how many files the process may open, `None` for any number.
    """
    return wanted if files is None else max(1, min(wanted, files * 2 // 3))


def refused_at_once(cap: int) -> int:
    """Return the number of connections from which on new ones are dropped.

    Between the cap and this number they are told 503. Reading their requests takes time and memory, so that has an end.
    """
    return cap + max(16, cap // 8)


def _files_for(connections: int) -> int:
    return connections + connections // 2 + 1
