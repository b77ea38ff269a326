"""The environment variables by which the processes of one application find out about each other."""

from __future__ import annotations

# How many worker processes there are: what they would have to share cannot be in the memory of one of them.
WORKERS = "EMMETT_WORKERS"
# Set while `emmett develop` runs: the import string of the application.
DEVELOP = "EMMETT_DEVELOP"
