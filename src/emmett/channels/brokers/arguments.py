"""Check the arguments that the brokers on servers have in common."""

from __future__ import annotations

import math
import re

from ...errors import ConfigurationError


def check_arguments(prefix: str, timeout: float) -> None:
    """Check the prefix of names on a server, and the timeout of a call in seconds.

    Raises:
        ConfigurationError: one of them is invalid.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", prefix):
        raise ConfigurationError(f"prefix={prefix!r}: expected 1 to 100 letters, digits, '_', '.', ':' or '-'")
    if not 0 < timeout < math.inf:
        raise ConfigurationError(f"timeout={timeout!r}: expected seconds above 0")
