"""The Centrifuge client protocol, for its SDKs, on the channels of an application."""

from .access import Permission, allow
from .centrifuge import Centrifuge
from .client import Client
from .codes import CommandFailed, Disconnected, Ending
from .hooks import Identity

__all__ = ["Centrifuge", "Client", "CommandFailed", "Disconnected", "Ending", "Identity", "Permission", "allow"]
