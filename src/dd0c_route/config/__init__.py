"""The configuration: its types (`settings`) and how `dd0c.toml` and the environment become them (`load`)."""

from dd0c_route.config.load import Loaded, load, load_without_secrets
from dd0c_route.config.settings import (
    AccessKey,
    Brain,
    Config,
    Counting,
    Ledger,
    Limits,
    Match,
    ModelRow,
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
    "Brain",
    "Config",
    "Counting",
    "Ledger",
    "Limits",
    "Loaded",
    "Match",
    "ModelRow",
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
