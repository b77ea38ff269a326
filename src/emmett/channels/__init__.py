"""Channels: publish once, reach every subscriber on every node."""
