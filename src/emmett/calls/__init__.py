"""Typed functions over a websocket: calls, streams and events, in JSON-RPC 2.0."""
