"""The command line: parse arguments, run commands, print results. The work is done by the other packages."""
