"""A long run of the default server under everything that peers do: see `run.py`."""
