"""`python -m emmett`: the command line."""

import sys

from .cli.main import main

# A child process that multiprocessing spawns imports this file too, under another name.
if __name__ == "__main__":
    sys.exit(main())
