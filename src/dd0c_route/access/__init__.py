"""Who may use the router: its own access keys, the operator's password, sessions, and pages in browsers."""

from dd0c_route.access.keys import KeyRing, new_key
from dd0c_route.access.pages import PAGE_HEADERS, Pages
from dd0c_route.access.passwords import is_password, stored_password
from dd0c_route.access.sessions import Session, Sessions, is_csrf
from dd0c_route.access.throttle import Throttle

__all__ = [
    "PAGE_HEADERS",
    "KeyRing",
    "Pages",
    "Session",
    "Sessions",
    "Throttle",
    "is_csrf",
    "is_password",
    "new_key",
    "stored_password",
]
