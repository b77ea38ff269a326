"""Instructions per message of a fixed run in memory: what a change costs, measured without a clock."""
