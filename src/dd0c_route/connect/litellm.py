"""A LiteLLM proxy's configuration as a `dd0c.toml`, and what of it could not be carried over.

A model group (all entries of one `model_name`) becomes a route: its deployments are the candidates, by weight where
there are several, and the groups that it falls back to stand behind. A group that means one model of its own name at
its usual provider needs none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import Struct

from dd0c_route.connect import yaml
from dd0c_route.connect.deployments import Deployment, Known, Loss, Providers
from dd0c_route.connect.forms import CannotEdit
from dd0c_route.connect.written import written

Owners = Callable[[str], tuple[str, ...]]

_PER_MTOK = 1_000_000


class Imported(Struct, frozen=True):
    """A `dd0c.toml`.

    Attributes:
        losses: What is not in it.
        keys: Variables that have to be set because a key stood in the file itself: name -> where it stood.
    """

    text: str
    losses: tuple[Loss, ...]
    keys: dict[str, str]


def imported(text: str, environ: Mapping[str, str], known: Known, owners: Owners) -> Imported:
    """What the proxy configuration *text* (YAML) is as a `dd0c.toml`.

    Args:
        environ: For addresses that are references to variables.
        known: What a provider's known name brings along.
        owners: The providers by which a bare model name is found, without a route.

    Raises:
        CannotEdit: It is no YAML, or not such a configuration.
    """
    return _Import(yaml.read(text), environ, known, owners).result()


class _Import:
    def __init__(self, tree: Any, environ: Mapping[str, str], known: Known, owners: Owners) -> None:
        if not isinstance(tree, dict) or not isinstance(tree.get("model_list"), list):
            raise CannotEdit("is no configuration of a LiteLLM proxy: expected model_list")
        self._tree: dict[str, Any] = tree
        self._rules = rules()
        self._losses: list[Loss] = []
        self._providers = Providers(self._rules, environ, known)
        self._owners = owners
        self._groups: dict[str, list[Deployment]] = {}
        self._prices: list[dict[str, Any]] = []

    def result(self) -> Imported:
        for entry in self._tree["model_list"]:
            params = entry.get("litellm_params") if isinstance(entry, dict) else None
            self._providers.reserve(params.get("api_key") if isinstance(params, dict) else None, params)
        self._providers.reserve(self._settings("general_settings").get("master_key"), None)
        for number, entry in enumerate(self._tree["model_list"]):
            self._entry(entry, f"model_list[{number}]")
        of_router = self._settings("router_settings").get("timeout")
        self._providers.wait(of_router or self._settings("litellm_settings").get("request_timeout"))
        tables: dict[str, Any] = {}
        self._access(tables)
        self._retries(tables)
        tables["providers"] = self._providers.tables()
        if self._settings("litellm_settings").get("drop_params") is True:
            for table in tables["providers"].values():
                table["drop"] = True
        tables["routes"] = list(self._routes())
        tables["prices"] = self._prices
        self._rest()
        return Imported(written(tables), tuple(self._losses), self._providers.keys)

    # --- models -----------------------------------------------------------------------------------------------

    def _entry(self, entry: Any, path: str) -> None:
        params = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(params, dict) or not isinstance(params.get("model"), str):
            self._lose(path, "has no litellm_params.model")
            return
        name = str(entry.get("model_name") or params["model"])
        try:
            deployment = self._providers.deployment(params, f"{path}.litellm_params")
        except CannotEdit as error:
            self._lose(f"{path} ({name})", str(error))
            return
        self._groups.setdefault(name, []).append(deployment)
        info = entry.get("model_info")
        info = info if isinstance(info, dict) else {}
        self._price({**info, **params}, deployment, path)
        carried = {"model", "api_base", "base_url", "api_key", "weight", "custom_llm_provider", *self._rules["rates"]}
        self._refused(params, "litellm_params", f"{path}.litellm_params", carried | {"timeout", "stream_timeout"})
        self._refused(info, "model_info", f"{path}.model_info", set(self._rules["rates"]))
        self._refused(entry, "top", path, {"model_name", "litellm_params", "model_info"})

    def _price(self, values: dict[str, Any], deployment: Deployment, path: str) -> None:
        row: dict[str, Any] = {"provider": deployment.provider, "model": deployment.model}
        for field, rate in self._rules["rates"].items():
            if values.get(field) is not None:
                try:
                    row[rate] = Decimal(str(values[field])) * _PER_MTOK
                except InvalidOperation:
                    self._lose(f"{path}.{field}", "is no number")
        known = {(one["provider"], one["model"]) for one in self._prices}
        if len(row) > 2 and (deployment.provider, deployment.model) not in known:
            self._prices.append({**row, "source": "imported from a LiteLLM configuration"})

    # --- routes -----------------------------------------------------------------------------------------------

    def _routes(self) -> Iterator[dict[str, Any]]:
        fallbacks = self._fallbacks()
        for alias, group in self._aliases():
            yield from self._route(alias, group, fallbacks)
        exact = [name for name in self._groups if "*" not in name]
        for name in [*exact, *(name for name in self._groups if "*" in name)]:
            yield from self._route(name, name, fallbacks)

    def _route(self, asked: str, group: str, fallbacks: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
        deployments = self._groups[group]
        behind = [
            one for name in fallbacks.get(group, fallbacks.get("*", [])) if name != group
            for one in self._groups.get(name, ())
        ]  # fmt: skip
        if any("*" in one.model for one in deployments):
            # A pattern on both sides is what a provider's table says by itself.
            same = {"*", *(f"{one.provider}/*" for one in deployments), *(one.model for one in deployments)}
            if asked not in same:
                self._lose(f"model_list ({asked})", "a pattern cannot be renamed: callers name provider/model")
            return
        if not behind and len(deployments) == 1 and self._needs_no_route(asked, deployments[0]):
            return
        candidates = [f"{one.provider}/{one.model}" for one in (*deployments, *behind) if "*" not in one.model]
        first = [one.weight for one in deployments]
        balanced = len(deployments) > 1
        yield {
            "match": {"model": asked},
            "candidates": list(dict.fromkeys(candidates)),
            "policy": "weighted" if balanced else "ordered",
            **({"weights": _weights(candidates, first)} if balanced else {}),
            "mode": "on",
            "control_share": 0.0,  # what the callers ask for may be a name that no provider knows
        }

    def _needs_no_route(self, asked: str, deployment: Deployment) -> bool:
        provider, model = deployment.provider, deployment.model
        if asked == f"{provider}/{model}":
            return True
        configured = [one for one in self._owners(asked) if one in self._providers.tables()]
        return asked == model and configured[:1] == [provider]

    def _aliases(self) -> Iterator[tuple[str, str]]:
        said = self._settings("router_settings").get("model_group_alias") or {}
        for alias, meant in said.items() if isinstance(said, dict) else ():
            group = meant.get("model") if isinstance(meant, dict) else meant
            if group in self._groups:
                yield str(alias), str(group)
            else:
                self._lose(f"router_settings.model_group_alias.{alias}", f"names no model of the list: {group}")

    def _fallbacks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for section in ("litellm_settings", "router_settings"):
            settings = self._settings(section)
            for row in settings.get("fallbacks") or ():
                for name, others in row.items() if isinstance(row, dict) else ():
                    found[str(name)] = [str(one) for one in (others if isinstance(others, list) else [others])]
            if default := settings.get("default_fallbacks"):
                found.setdefault("*", [str(one) for one in default])
        for name, others in found.items():
            for missing in [one for one in (name, *others) if one not in self._groups and one != "*"]:
                self._lose(f"fallbacks.{name}", f"names no model that was carried over: {missing}")
        return found

    # --- all else ---------------------------------------------------------------------------------------------

    def _access(self, tables: dict[str, Any]) -> None:
        key = self._settings("general_settings").get("master_key")
        if key is not None:
            name = self._providers.variable(key, "LITELLM_MASTER_KEY", "general_settings.master_key")
            tables["server"] = {"access_keys": [{"env": name}]}
            self._providers.give_keys()

    def _retries(self, tables: dict[str, Any]) -> None:
        for section in ("router_settings", "litellm_settings"):
            count = self._settings(section).get("num_retries")
            if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
                tables["retries"] = {"attempts": count + 1}
                return

    def _rest(self) -> None:
        carried = {
            "router_settings": {"model_group_alias", "fallbacks", "default_fallbacks", "num_retries", "timeout"},
            "litellm_settings": {"fallbacks", "default_fallbacks", "num_retries", "request_timeout", "drop_params"},
            "general_settings": {"master_key"},
        }
        for section, fields in carried.items():
            self._refused(self._settings(section), section, section, fields)
        self._refused(self._tree, "top", "", {"model_list", *carried})
        self._losses += self._providers.losses

    def _settings(self, section: str) -> dict[str, Any]:
        value = self._tree.get(section)
        return value if isinstance(value, dict) else {}

    def _refused(self, values: dict[str, Any], rule: str, path: str, carried: set[str]) -> None:
        reasons = self._rules["reasons"][rule]
        for field in values:
            if field not in carried:
                self._lose(f"{path}.{field}".lstrip("."), reasons.get(field, reasons["*"]))

    def _lose(self, path: str, reason: str) -> None:
        self._losses.append(Loss(path, reason))


def _weights(candidates: list[str], first: list[float | None]) -> list[float]:
    """A weight for each distinct candidate, in order; those behind the group's own get none."""
    weights = dict.fromkeys(candidates, 0.0)
    for candidate, weight in zip(candidates, first, strict=False):
        weights[candidate] += 1.0 if weight is None else weight
    return list(weights.values()) if any(weights.values()) else [1.0] * len(weights)


@cache
def rules() -> dict[str, Any]:
    """`litellm.toml`, which is loaded once."""
    return _load()


def _load() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("litellm.toml").read_text(encoding="utf-8"))
