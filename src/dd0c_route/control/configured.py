"""The configuration as the control process knows it: what each route promises, and what may be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dd0c_route.brain.evidence import Promise
from dd0c_route.config import Config, Route
from dd0c_route.config.identity import route_id
from dd0c_route.config.load import Loaded
from dd0c_route.errors import ConfigError


class Configured:
    """The last configuration that was free of faults.

    Args:
        read: Reads and checks it anew.

    Attributes:
        routes: Of it, by their ids, in order.
    """

    def __init__(self, read: Callable[[], Loaded]) -> None:
        self.config = Config()
        self.routes: Mapping[str, Route] = {}
        self._read = read
        self._promises: Mapping[str, Promise] = {}
        self._before = self.config

    def load(self) -> str:
        """Read it again; returns its version.

        Raises:
            ConfigError: With all faults found; the one before stays.
        """
        loaded = self._read()
        self._before = self.config
        self._use(loaded.config)
        return loaded.version

    def undo(self) -> None:
        """The one before: no worker could use what was loaded last."""
        self._use(self._before)

    def load_if_sound(self) -> None:
        """The same at the start; what is at fault then is the workers' to say."""
        try:
            self.load()
        except ConfigError:
            return

    def promises(self) -> Mapping[str, Promise]:
        return self._promises

    def _use(self, config: Config) -> None:
        self.config = config
        self.routes = {route_id(route): route for route in config.routes}
        self._promises = {name: Promise(route.epsilon, route.delta) for name, route in self.routes.items()}
