"""A notice board: the example with logins, forms, uploads, and a live feed over websockets and server-sent events."""
