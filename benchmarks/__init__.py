"""Measures what a message costs, on this project and on what its users could pick instead. Start with README.md."""
