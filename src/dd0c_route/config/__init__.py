"""The configuration: its types (`settings`) and how `dd0c.toml` and the environment become them (`load`)."""

from dd0c_route.config.load import Loaded, load, load_without_secrets
from dd0c_route.config.settings import (
    AccessKey,
    Config,
    Counting,
    Ledger,
    Limits,
    Match,
    PriceRow,
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
    "Counting",
    "Ledger",
    "Limits",
    "Loaded",
    "Match",
    "PriceRow",
    "Provider",
    "Retries",
    "Route",
    "Server",
    "Settings",
    "Timeouts",
    "load",
    "load_without_secrets",
]
