"""Conformance cases for RFC 6455 and RFC 7692, played on raw sockets against the default server: `make compliance`."""
