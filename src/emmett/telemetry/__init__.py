"""Telemetry: measurements for Prometheus, and traces and measurements for OpenTelemetry, from the observers."""

from .prometheus import Prometheus

__all__ = ["Prometheus"]
