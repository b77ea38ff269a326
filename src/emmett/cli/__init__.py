"""The command line: parse, run, print. What the commands do lives in the packages below."""
