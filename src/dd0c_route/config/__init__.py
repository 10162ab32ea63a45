"""The configuration: its types (`settings`) and how `dd0c.toml` and the environment become them (`load`)."""

from dd0c_route.config.settings import (
    AccessKey,
    Config,
    Ledger,
    Limits,
    Match,
    Provider,
    Retries,
    Route,
    Server,
    Settings,
    Timeouts,
)

__all__ = [
    "AccessKey",
    "Config",
    "Ledger",
    "Limits",
    "Match",
    "Provider",
    "Retries",
    "Route",
    "Server",
    "Settings",
    "Timeouts",
]
