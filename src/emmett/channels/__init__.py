"""Channels: publish once, reach every subscriber on every node."""

from .channels import Channels, HistoryPage, Stats
from .encoding import as_json, data_only
from .health import Health
from .namespaces import Namespace
from .presence import Member
from .publication import Details, Kind, Position, Publication
from .subscription import Subscription

__all__ = [
    "Channels",
    "Details",
    "Health",
    "HistoryPage",
    "Kind",
    "Member",
    "Namespace",
    "Position",
    "Publication",
    "Stats",
    "Subscription",
    "as_json",
    "data_only",
]
