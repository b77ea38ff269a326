"""The server that the test suite of centrifuge-python expects: the settings of its docker-compose.yml."""

from emmett import App, Channels
from emmett.centrifuge import Centrifuge

app = App(__name__)
channels = Channels(app)


def may_publish(channel: str, data: str | bytes) -> bool:
    """Let the subscribers of a channel publish to it."""
    return centrifuge.client.is_subscribed(channel)


channels.namespace(
    "", history=100, history_ttl=300, presence=True, join_leave=True, delta="fossil", may_publish=may_publish
)
channels.namespace("smallhistory", history=2, history_ttl=300, may_publish=may_publish)
channels.namespace("example", history=300, presence=True, join_leave=True, delta="fossil", may_publish=may_publish)
centrifuge = Centrifuge(app, channels, secret="secret", personal_channels=True, origins="*")
