"""`emmett serve`: the application, in production."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource

from ..environment import LOG_FORMAT
from .addresses import check_uds, find_port, parse_port
from .discovery import Selection
from .errors import CommandLineError
from .loading import few_collections

LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
PASSWORD_VARIABLE = "EMMETT_SSL_KEYFILE_PASSWORD"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=parse_port, metavar="PORT", default="8000", show_default=True, help="0 takes a free one.")
@click.option("--uds", type=click.Path(path_type=Path), metavar="PATH", help="A unix socket to listen on instead.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="The number of processes.")
@click.option("--ssl-certfile", type=FILE, metavar="FILE", help="The TLS certificate, PEM.")
@click.option("--ssl-keyfile", type=FILE, metavar="FILE", help="The key of the certificate, PEM.")
@click.option(
    "--ssl-keyfile-password",
    envvar=PASSWORD_VARIABLE,
    show_envvar=True,
    metavar="PASSWORD",
    help="The key's password. Prefer the variable: other users can see options in the list of processes.",
)
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True, help="What to log.")
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    envvar=LOG_FORMAT,
    show_envvar=True,
    default="text",
    show_default=True,
    help="How to log; json writes an object for each record.",
)
@click.option(
    "--access-log/--no-access-log",
    default=True,
    show_default=True,
    help="A line for each request and each websocket.",
)
@click.pass_context
def serve(
    context: click.Context,
    host: str,
    port: int,
    uds: Path | None,
    workers: int,
    ssl_certfile: Path | None,
    ssl_keyfile: Path | None,
    ssl_keyfile_password: str | None,
    log_level: str,
    log_format: str,
    access_log: bool,
) -> None:
    """Serve the application in production."""
    if uds is not None:
        _check_alone(context, "host", "port")
        check_uds(uds)
    _check_certificate(ssl_certfile, ssl_keyfile, ssl_keyfile_password)
    selection: Selection = context.obj
    with few_collections():
        application = selection.load()
        from ..server import serve as run
        from ..server.exit_limit import limit_exit
    # For the workers, too.
    os.environ[LOG_FORMAT] = log_format
    # With sockets from systemd, the address is not used.
    if uds is None and port and "LISTEN_FDS" not in os.environ:
        find_port(host, port, "emmett serve")

    # Like SIGTERM, Ctrl+C asks for a stop, and the server has stopped.
    with suppress(KeyboardInterrupt):
        run(
            application.import_string,
            host=host,
            port=port,
            uds=_text(uds),
            workers=workers,
            ssl_certfile=_text(ssl_certfile),
            ssl_keyfile=_text(ssl_keyfile),
            ssl_keyfile_password=ssl_keyfile_password,
            log_level=log_level,
            access_log=access_log,
        )
    # Threads of the application must not keep the process alive.
    limit_exit()


def _check_alone(context: click.Context, *names: str) -> None:
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise CommandLineError(
                f"--uds and --{name} exclude each other: a unix socket has no {name}", f"leave out --{name}, or --uds"
            )


def _check_certificate(certificate: Path | None, key: Path | None, password: str | None) -> None:
    if certificate is None and key is None:
        return
    if key is None:
        raise CommandLineError(
            "--ssl-certfile needs its key",
            f"add --ssl-keyfile; if the key is in the same file: --ssl-keyfile {certificate}",
        )
    if certificate is None:
        raise CommandLineError("--ssl-keyfile needs its certificate", "add --ssl-certfile with the certificate")
    import ssl

    try:
        # Always pass a password, since otherwise OpenSSL would ask for it on the terminal, in each worker.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: password or "")
    except (OSError, ValueError) as error:
        raise CommandLineError(
            f"{certificate} and {key} cannot be loaded as certificate and key: {error}",
            f"both must be PEM and belong together; set {PASSWORD_VARIABLE} if the key has a password",
        ) from None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
