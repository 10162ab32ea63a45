"""What a target cannot express: noted one by one, so that nothing is dropped in silence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from dd0c_route.wire.loose import value_of
from dd0c_route.wire.neutral.form import Loss, Prompt

_SHOWN, _SHOWN_CHARS = 20, 128  # of the fields that a refusal names: the caller chooses how many there are


class Losses:
    """Filled while a request is written.

    Args:
        own: The dialect that is written.
        target: Its name for people.

    Attributes:
        foreign: The request came in another dialect.
    """

    def __init__(self, prompt: Prompt, own: str, target: str) -> None:
        self.foreign = prompt.dialect != own
        self._prompt = prompt
        self._target = target
        self._found: dict[str, str] = {}
        if self.foreign:
            known = _WITHOUT_EFFECT.get(prompt.dialect, {})
            for name, raw in prompt.extras.items():
                if not known.get(name, _has_effect)(raw):
                    self._found[name] = f"{target} has nothing like it"
        self._found |= {loss.field: loss.why for loss in prompt.unread}

    def add(self, field: str, why: str = "") -> None:
        """*field* is not in what was written; *why*, or else because the target has nothing like it."""
        self._found.setdefault(field, why or f"{self._target} has nothing like it")

    def unless_unset(self, *attributes: str, why: str = "") -> None:
        """Those attributes of the prompt that are not as by default are lost."""
        for name in attributes:
            if getattr(self._prompt, name) != getattr(_UNSET, name):
                self.add(name, why)

    def found(self) -> tuple[Loss, ...]:
        return tuple(Loss(field, why) for field, why in self._found.items())


def explained(losses: Sequence[Loss], target: str, words: Callable[[str], str]) -> str:
    """What to tell the caller whose request *target* cannot be given; *words*: an attribute in the caller's dialect."""
    named = "; ".join(f"`{words(loss.field)[:_SHOWN_CHARS]}`: {loss.why}" for loss in losses[:_SHOWN])
    if len(losses) > _SHOWN:
        named += f"; and {len(losses) - _SHOWN} more"
    return (
        f"{target} cannot be given all of this request: {named}. Leave it out, call a model that has it, or send "
        f"`x-dd0c-drop: on` to have it left out for you"
    )


_UNSET = Prompt()


def _has_effect(raw: bytes) -> bool:
    return False


def _one_of(values: Sequence[Any]) -> Callable[[bytes], bool]:
    return lambda raw: value_of(raw) in values


def _load_table() -> dict[str, dict[str, Callable[[bytes], bool]]]:
    text = files(__package__).joinpath("fields.toml").read_text(encoding="utf-8")
    return {
        dialect: {name: _one_of(row["values"]) if "values" in row else lambda raw: True for name, row in fields.items()}
        for dialect, fields in tomllib.loads(text).items()
    }


_WITHOUT_EFFECT = _load_table()
