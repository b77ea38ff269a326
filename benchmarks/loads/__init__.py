"""The load generator, a process of its own. It uses none of the project's code and no websocket library."""
