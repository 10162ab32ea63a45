"""Who may use the router: its own access keys."""

from dd0c_route.access.keys import KeyRing, new_key

__all__ = ["KeyRing", "new_key"]
