"""One channel in detail: the newest publications of its history, and its members."""

from __future__ import annotations

import msgspec

from ..channels import Channels
from ..errors import BrokerUnavailable
from .broker_health import INTERNAL
from .reports import ChannelReport, KeptPublication, MemberRow
from .tails import describe_message

# The most publications and members to show.
MAX_PUBLICATIONS = 20
MAX_MEMBERS = 200
# The most characters of a member's info.
MAX_INFO = 300


async def report_channel(channels: Channels, name: str, payloads: bool) -> ChannelReport:
    """Return a channel in detail.

    Arguments:
        channels: the channels that it belongs to.
        name: the name of the channel.
        payloads: whether to show the payloads of publications and the info of members.

    Raises:
        InvalidChannel: the name is not valid.
    """
    report = ChannelReport(name)
    # Messages between nodes are never shown.
    payloads = payloads and not name.startswith(INTERNAL)
    namespace = channels.namespace_of(name)
    if namespace.history:
        try:
            page = await channels.history(name, limit=MAX_PUBLICATIONS)
        except BrokerUnavailable as error:
            report.problems.append(f"history: {error}")
        else:
            report.top = str(page.top)
            report.history = [
                KeptPublication(str(each.position), describe_message(each.data, "published", payloads, 0.0))
                for each in page.publications
            ]
    if namespace.presence:
        try:
            present = await channels.presence(name)
        except BrokerUnavailable as error:
            report.problems.append(f"presence: {error}")
        else:
            shown = sorted(present.items())[:MAX_MEMBERS]
            report.members = [
                MemberRow(member, each.connections, _show_info(each.info) if payloads else None)
                for member, each in shown
            ]
            report.more_members = len(present) - len(shown)
    return report


def _show_info(info: object) -> str:
    return msgspec.json.encode(info).decode()[:MAX_INFO]
