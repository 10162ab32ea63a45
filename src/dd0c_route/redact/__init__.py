"""Secrets never leave: what recognises them (`scrub`) and what puts it before every sink (`hooks`, `log`)."""

from dd0c_route.redact.registry import register, registered
from dd0c_route.redact.scrub import redact_bytes, redact_label, redact_sensitive
from dd0c_route.redact.stream import StreamRedactor

__all__ = ["StreamRedactor", "redact_bytes", "redact_label", "redact_sensitive", "register", "registered"]
