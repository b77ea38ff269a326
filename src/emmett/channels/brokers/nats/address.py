"""Turn the URLs of NATS servers into what connections need."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ....errors import ConfigurationError
from ....wire.authority import format_authority

EXPECTED = "expected nats://host:4222 or tls://host:4222, or several of them separated by commas"
MAX_REPLICAS = 5

# Settings with text values, and the allowed values.
_TEXTS = {
    "storage": "file|memory",
    "domain": "[A-Za-z0-9_-]{1,100}",
    **dict.fromkeys(("credentials", "nkey", "ca"), ".+"),
}


@dataclass(frozen=True)
class NatsAddress:
    """One server, and how to connect to it.

    Attributes:
        label: its name in logs and errors, without user and password.
        host: its name or IP address.
        port: its port.
        tls: whether TLS is required. The server may require it in any case.
        name: the name that its certificate must have.
        login: user and password, or token.
    """

    label: str
    host: str
    port: int
    tls: bool
    name: str
    login: Mapping[str, str]

    @property
    def url(self) -> str:
        """The URL for nats-py, without user and password."""
        return f"{'tls' if self.tls else 'nats'}://{self.label}"

    def move(self, host: str, port: int) -> NatsAddress:
        """Return another server of the same cluster, with the same login and certificate name."""
        return NatsAddress(format_authority(host, port), host, port, self.tls, self.name, self.login)


@dataclass(frozen=True)
class NatsSettings:
    """The settings in the query of a URL.

    Attributes:
        replicas: the number of servers of a cluster on which JetStream stores each stream.
        storage: the storage type of the streams.
        credentials: path of a .creds file with JWT and key.
        nkey: path of a file with only the seed of an nkey.
        domain: the JetStream domain for histories and presence, if it is not that of the server itself.
        ca: path of the certificates that must have signed the server's certificate.
    """

    replicas: int = 1
    storage: Literal["file", "memory"] = "file"
    credentials: str = ""
    nkey: str = ""
    domain: str = ""
    ca: str = ""

    def make_context(self) -> ssl.SSLContext:
        """Return the SSL context."""
        return ssl.create_default_context(cafile=self.ca or None)


def parse_urls(urls: str) -> tuple[list[NatsAddress], NatsSettings]:
    """Parse URLs; any of them may carry the settings.

    Raises:
        ConfigurationError: the URLs are invalid. The message omits them, as they may contain a password.
    """
    addresses: list[NatsAddress] = []
    values: dict[str, str] = {}
    for text in urls.split(","):
        try:
            url = urlsplit(text.strip())
            addresses.append(_address(url))
        except ValueError:
            raise ConfigurationError(f"the URL of a NATS broker cannot be read: {EXPECTED}") from None
        values.update(parse_qsl(url.query, keep_blank_values=True))
    if len({address.tls for address in addresses}) > 1:
        raise ConfigurationError("the URLs of a NATS broker must all be tls://, or none of them")
    return addresses, _settings(values)


def _address(url: SplitResult) -> NatsAddress:
    if url.scheme not in ("nats", "tls") or not url.hostname or url.path not in ("", "/") or url.fragment:
        raise ValueError("another URL")
    login: dict[str, str] = {}
    if url.password is not None:
        login = {"user": unquote(url.username or ""), "password": unquote(url.password)}
    elif url.username:
        login = {"token": unquote(url.username)}
    host, port = url.hostname, url.port or 4222
    return NatsAddress(format_authority(host, port), host, port, url.scheme == "tls", host, login)


def _settings(values: dict[str, str]) -> NatsSettings:
    known: dict[str, Any] = {}
    for name, value in values.items():
        if name == "replicas" and re.fullmatch("[1-9]", value) and int(value) <= MAX_REPLICAS:
            known[name] = int(value)
        elif name in _TEXTS and re.fullmatch(_TEXTS[name], value):
            known[name] = value
        else:
            raise ConfigurationError(
                f"the URL of a NATS broker has {name[:40]}=…: expected replicas=1 to {MAX_REPLICAS}, "
                "storage=file or memory, domain=name, credentials=path, nkey=path, ca=path"
            )
    return NatsSettings(**known)
