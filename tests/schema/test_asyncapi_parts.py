from __future__ import annotations

from emmett.schema import DescribedParameter, DescribedPath
from emmett.schema.asyncapi_parts import Parts, channel_for


def test_a_channel_has_its_host_and_variables() -> None:
    path = DescribedPath(template="/r/{n}", variables=(DescribedParameter(name="n", schema={"type": "integer"}),))
    channel = channel_for(path, "a.example", "Rooms.")
    assert channel["description"] == "Rooms.\n\nIt is on the host a.example only."
    assert channel["parameters"] == {"n": {"description": "A value of the type integer."}}
    assert channel["bindings"] == {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}
    assert "parameters" not in channel_for(DescribedPath(template="/r"), None)


def test_operations_refer_to_the_messages_of_their_channel() -> None:
    parts = Parts(security={}, servers={})
    channel = parts.add_channel("a b", channel_for(DescribedPath(template="/"), None))
    message = parts.add_message(channel, "say", {"name": "say"})
    parts.add_operation(channel, "say", "receive", [message], {"summary": "Say."}, reply=[message])
    reference = {"$ref": "#/channels/a_b/messages/a_b.say"}
    assert parts.operations["a_b.say"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/a_b"},
        "summary": "Say.",
        "messages": [reference],
        "reply": {"messages": [reference]},
    }
    assert parts.channels["a_b"]["messages"] == {"a_b.say": {"$ref": "#/components/messages/a_b.say"}}


def test_all_keys_are_unique() -> None:
    parts = Parts(security={}, servers={})
    first, second = (parts.add_channel(name, channel_for(DescribedPath(template="/"), None)) for name in ("a/b", "a b"))
    assert (first, second) == ("a_b", "a_b_2")
    assert [parts.add_message(first, "say", {}) for _ in range(2)] == ["a_b.say", "a_b.say_2"]
