"""How near local counts and prices come to what providers reported: `make accuracy` prints it."""
