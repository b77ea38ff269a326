"""A long run of the default server with all kinds of peers: see `run.py`."""
