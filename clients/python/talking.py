"""What the scripts share: they obey the probe's commands and print what they see, one JSON object a line."""

import json
import sys
import traceback


def say(event, **fields):
    """Print what was seen."""
    print(json.dumps({"event": event, **fields}), flush=True)


def answer(message):
    """Return how many seconds to be busy elsewhere, and the reply to a message of the probe."""
    if isinstance(message, str):
        command, _, number = message.partition(" ")
        if command == "send":
            return 0, "x" * int(number)
        if command == "pause":
            return float(number), "paused"
    return 0, f"got {len(message)}"


def urls():
    """Return the URLs on the command line."""
    return sys.argv[1:]


def failed(error):
    """Print an exception as a user would see it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    status = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
    say("failed", text=text[:300], status=status if isinstance(status, int) else None)
