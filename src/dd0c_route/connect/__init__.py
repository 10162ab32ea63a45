"""Pointing other programs to the router: a configuration file's text in, the same with the router's address out.

Nothing here reads or writes a file of the user: `cli/connect.py` does.
"""

from dd0c_route.connect.clients import Client, Setting, clients, variables
from dd0c_route.connect.edit import Change, Edit, edited, found
from dd0c_route.connect.forms import CannotEdit

__all__ = ["CannotEdit", "Change", "Client", "Edit", "Setting", "clients", "edited", "found", "variables"]
