"""The deployments of a LiteLLM configuration, and the providers that they come down to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dd0c_route.connect.forms import CannotEdit

Known = Mapping[str, Mapping[str, Any]]

_ENV = "os.environ/"
_OPENAI = "api.openai.com"
_FACTS = ("dialect", "base_url", "auth", "usage", "on_disconnect", "billed_after_abort")  # of a row that is copied
_TIMEOUTS = {"timeout": "total_s", "stream_timeout": "first_byte_s"}


class Loss(NamedTuple):
    """One thing that is not in the result, and why."""

    path: str
    reason: str


class Deployment(NamedTuple):
    """One model at one provider."""

    provider: str
    model: str
    weight: float | None


class Providers:
    """Collects the providers: one for each kind, address and key.

    Attributes:
        keys: Variables that have to be set because a key stood in the file itself: name -> where it stood.
        losses: What was seen on the way and could not be carried over.
    """

    def __init__(self, rules: dict[str, Any], environ: Mapping[str, str], known: Known) -> None:
        self.keys: dict[str, str] = {}
        self.losses: list[Loss] = []
        self._known = known
        self._rules = rules
        self._environ = environ
        self._names: dict[tuple[str, str, str], str] = {}
        self._tables: dict[str, dict[str, Any]] = {}
        self._waits: dict[str, dict[str, list[Any]]] = {}
        self._taken: set[str] = set()  # variables that hold another key
        self._literals: dict[str, str] = {}  # a key that stood in the file -> the variable for it

    def deployment(self, params: dict[str, Any], path: str) -> Deployment:
        """The deployment that *params* are.

        Raises:
            CannotEdit: It cannot be carried over; the message is the reason.
        """
        kind, model = self._kind(params)
        base = params.get("api_base") or params.get("base_url")
        if not base and kind != "custom" and "base_url" not in self._known[kind]:
            base = f"{_ENV}{kind.upper()}_API_BASE"  # where LiteLLM looks then
        address = self._address(str(base), kind, path) if base else ""
        if kind == "openai" and address and urlsplit(address).hostname != _OPENAI:
            kind = "custom"  # what speaks OpenAI's dialect elsewhere has neither its prices nor its models
        key = self._key(params.get("api_key"), kind, path, address)
        same = (kind, address, key)
        if same not in self._names:
            self._names[same] = self._add(kind, address, key)
        name = self._names[same]
        for field, ours in _TIMEOUTS.items():
            self._waits.setdefault(name, {}).setdefault(ours, []).append(params.get(field))
        weight = params.get("weight")
        return Deployment(name, model, float(weight) if isinstance(weight, int | float) else None)

    def reserve(self, key: Any, params: Any) -> None:
        """Note the variable that *key*, or a deployment without one, means: no other key may get its name."""
        if isinstance(key, str) and key.startswith(_ENV):
            self._taken.add(key.removeprefix(_ENV))
        elif key in (None, "") and isinstance(params, dict) and isinstance(params.get("model"), str):
            with contextlib.suppress(CannotEdit):
                self._taken.add(self._rules["keys"].get(self._kind(params)[0], ""))

    def wait(self, seconds: Any) -> None:
        """Settle the time-outs; *seconds*: that of a deployment that says none."""
        for name, said in self._waits.items():
            for field, values in said.items():
                found = [seconds if value is None and field == "total_s" else value for value in values]
                numbers = [float(one) for one in found if isinstance(one, int | float) and one > 0]
                if numbers and len(numbers) == len(found):  # one for all its models: the longest
                    self._tables[name].setdefault("timeouts", {})[field] = max(numbers)
                elif numbers:
                    where = f"[providers.{name}] timeouts.{field}"
                    self.losses.append(
                        Loss(where, "only some of its models have a time-out, and here it is one for all")
                    )

    def give_keys(self) -> None:
        """A key for each provider without one: callers' own would be the router's, which is never sent on."""
        for name, table in self._tables.items():
            if "api_key" not in table:
                variable = re.sub(r"\W", "_", name).upper() + "_API_KEY"
                while variable in self._taken or variable in self.keys:
                    variable += "_2"
                table["api_key"] = {"env": variable}
                reason = f"the master key is not sent on to it: set {variable}, to any text if it asks for no key"
                self.losses.append(Loss(f"[providers.{name}] api_key", reason))

    def tables(self) -> dict[str, dict[str, Any]]:
        return self._tables

    def variable(self, key: Any, usual: str, path: str) -> str:
        """The variable that holds *key*: the one that it refers to, or one that has to be set from now on."""
        text = str(key)
        if text.startswith(_ENV):
            return text.removeprefix(_ENV)
        if text not in self._literals:
            name, number = usual, 2
            while name in self._taken or name in self.keys:
                name, number = f"{usual}_{number}", number + 1
            self._literals[text] = name
            self.keys[name] = path
        return self._literals[text]

    def _kind(self, params: dict[str, Any]) -> tuple[str, str]:
        """Our provider's name and the model's name there."""
        prefix, slash, model = params["model"].partition("/")
        said = params.get("custom_llm_provider")
        if said:
            prefix, model = str(said), model if slash and prefix == said else params["model"]
        elif not slash:
            prefix, model = _of_bare_name(params["model"]), params["model"]
        if not model:
            raise CannotEdit("its litellm_params.model names no model")
        if reason := self._rules["refused_providers"].get(prefix):
            raise CannotEdit(reason)
        if prefix in self._rules["providers"]:
            return self._rules["providers"][prefix], model
        if params.get("api_base") or params.get("base_url"):
            return "custom", model if slash else params["model"]
        raise CannotEdit(f"the provider '{prefix}' is not known here, and no api_base says where it is")

    def _address(self, base: str, kind: str, path: str) -> str:
        if base.startswith(_ENV):
            variable = base.removeprefix(_ENV)
            base = self._environ.get(variable, "")
            if not base:
                base = f"https://{variable.lower().replace('_', '-')}.invalid"
                reason = f"the variable {variable} is not set here: write its address in the place of {base}"
                self.losses.append(Loss(f"{path}.api_base", reason))
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise CannotEdit("its api_base is no http(s)://host/path")
        address = base.partition("?")[0].rstrip("/")
        for end in ("/chat/completions", "/completions", "/embeddings", "/messages"):
            address = address.removesuffix(end)
        end = self._rules["address_ends"].get(kind, "")
        return address if not end or address.endswith(end) or re.search(r"/v\d\w*$", address) else address + end

    def _key(self, key: Any, kind: str, path: str, address: str) -> str:
        """The variable of the provider's key; empty: none."""
        usual = self._rules["keys"].get(kind, "")
        if key in (None, ""):
            return usual if not address or self._environ.get(usual) else ""
        return self.variable(key, usual or "CUSTOM_API_KEY", f"{path}.api_key")

    def _add(self, kind: str, address: str, key: str) -> str:
        first = name = kind if kind != "custom" else _name_of(address)
        number = 2
        while name in self._tables or (kind == "custom" and name in self._known):
            name, number = f"{first}-{number}", number + 1
        table: dict[str, Any] = {}
        if kind == "custom":
            table["dialect"] = "openai"
        elif name != kind:  # beside the one that has the known name: it needs what that name brings along
            table = {field: self._known[kind][field] for field in _FACTS if field in self._known[kind]}
            table["price_as"] = kind
        if address:
            table["base_url"] = address
        if key:
            table["api_key"] = {"env": key}
        self._tables[name] = table
        return name


def _name_of(address: str) -> str:
    """A provider's name for an address: the telling part of its host."""
    host = urlsplit(address).hostname or ""
    labels = [one for one in re.split(r"[^A-Za-z0-9-]", host) if one not in ("www", "api", "")]
    if not labels or labels[0].isdigit() or labels[0] == "localhost":
        return "local"
    return re.sub(r"[^A-Za-z0-9]+", "-", labels[0]).strip("-") or "local"


def _of_bare_name(model: str) -> str:
    """Who makes a model that is named without a provider, as LiteLLM guesses it."""
    if model.startswith("claude"):
        return "anthropic"
    return "cohere-compat" if model.startswith("command") else "openai"
