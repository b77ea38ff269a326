"""Channels under load: from a publication to its deliveries."""
