"""Measurements of the running router, each a command that prints machine, versions and method."""
