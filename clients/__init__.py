"""Measures what real websocket clients send, see and do: `make clients` writes the tables of docs/clients.md."""
