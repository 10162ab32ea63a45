"""The guards, each of which can be switched off in a running router: then the search must find a leak.

A mutant replaces a shipped function or table before anything else has it in hand. Nothing in the product asks for it.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple


class Mutant(NamedTuple):
    """A guard: what switches it off, and which part of the run meets it."""

    off: Callable[[], None]
    part: str


def apply(name: str) -> None:
    """Switch the guard *name* off in this process; nothing for an empty name."""
    if name:
        MUTANTS[name].off()


def swap(where: str, name: str, new: Any) -> None:
    """Replace a module's *name*, also where it was imported from there already."""
    module = importlib.import_module(f"dd0c_route.{where}")
    old = getattr(module, name)
    for known in [one for one in sys.modules.values() if isinstance(one, ModuleType)]:
        if known.__name__.startswith("dd0c_route"):
            for alias in [alias for alias, value in vars(known).items() if value is old]:
                setattr(known, alias, new)


def _method(where: str, kind: str, name: str, new: Any) -> None:
    setattr(getattr(importlib.import_module(f"dd0c_route.{where}"), kind), name, new)


def _same(value: Any, *_: Any, **__: Any) -> Any:
    return value


def _less(table: str, *gone: bytes) -> Callable[[], None]:
    def off() -> None:
        from dd0c_route.proxy import headers

        swap("proxy.headers", table, getattr(headers, table) - frozenset(gone))

    return off


def _registry() -> None:
    swap("redact.registry", "find_known", lambda *_, **__: [])


def _registry_live() -> None:
    def enter(self: Any) -> None:
        return None

    _method("redact.registry", "registered", "__enter__", enter)


def _patterns() -> None:
    swap("redact.scrub", "_find_formats", lambda *_: [])


def _carriers() -> None:
    _method("redact.carriers", "Carriers", "find", lambda self, text: [])


def _coded() -> None:
    swap("redact.registry", "_coded_forms", lambda value: [])
    swap("redact.views", "decoded", lambda words: iter(()))


def _labels() -> None:
    swap("redact.scrub", "redact_label", _same)


def _refusals() -> None:
    importlib.import_module("dd0c_route.proxy.refusal").redact_bytes = _same  # type: ignore[attr-defined]


def _error_bodies() -> None:
    def whole(self: Any, status: int, body: bytes) -> tuple[int, bytes]:
        return self._then(status, body) if self._then else (status, body)

    _method("proxy.echoes", "ErrorAnswer", "whole", whole)


def _coded_errors() -> None:
    from dd0c_route.wire.encoding import EncodingError

    def broken(coding: str) -> None:
        raise EncodingError(coding)

    importlib.import_module("dd0c_route.proxy.echoes").Decoder = broken  # type: ignore[attr-defined]


def _error_headers() -> None:
    swap("proxy.echoes", "clean_headers", _same)


def _good_headers() -> None:
    _method("upstream.pool", "Pool", "is_repeated_in", lambda self, headers: False)


def _stream_errors() -> None:
    _method("proxy.echoes", "ErrorEvents", "feed", lambda self, data: data)


def _translated_errors() -> None:
    swap("proxy.translate", "_clean", _same)
    _stream_errors()


def _private() -> None:
    swap("proxy.headers", "_is_private", lambda name: False)


def _ours() -> None:
    from dd0c_route.proxy import headers

    names = headers._names.__wrapped__

    def crossing(said: tuple[bytes, ...]) -> Any:
        from msgspec import structs

        found = names(said)
        every = [crosses or name.startswith(b"x-dd0c-") for crosses, name in zip(found.anonymous, said, strict=True)]
        return structs.replace(found, upstream=tuple(every), anonymous=tuple(every))

    swap("proxy.headers", "_names", crossing)


def _query() -> None:
    swap("proxy.headers", "upstream_query", lambda call, provider: call.query)


def _stored_stays_own() -> None:
    """The stored key goes to every provider alike."""
    from dd0c_route.upstream import signing

    line, kept = signing.credential_line, []

    def first(provider: Any) -> str:
        kept.append(line(provider))
        return kept[0]

    swap("upstream.signing", "credential_line", first)


def _foreign_credential() -> None:
    swap("proxy.translate", "_general", _same)


def _log_text() -> None:
    swap("redact.log", "_clean", _same)


def _hook(name: str, raw: Any) -> Callable[[], None]:
    return lambda: swap("redact.hooks", name, raw)


def _thread_hook(arguments: Any) -> None:
    _raw(f"{arguments.thread}: {arguments.exc_value!r}")


def _raw(text: str) -> None:
    import os

    os.write(2, f"{text}\n".encode())


def _loop_hook(loop: Any, context: dict[str, Any]) -> None:
    _raw(repr(context))


def _no_logging() -> None:
    class Plain(logging.StreamHandler[Any]):
        def emit(self, record: logging.LogRecord) -> None:
            _raw(f"{record.msg} {record.args!r}")

    swap("redact.hooks", "_Handler", Plain)


def _format() -> None:
    swap("redact.hooks", "_redacted_format", logging.Formatter.format)


def _failed_logging() -> None:
    swap("redact.hooks", "_handler_failed", lambda self, record: _raw(f"{record.msg} {record.args!r}"))


def _stderr() -> None:
    def write(self: Any, text: str) -> int:
        self.raw.write(text)
        self.raw.flush()
        return len(text)

    _method("redact.stderr", "RedactingStderr", "write", write)


def _secret_shown() -> None:
    _method("types", "Secret", "__repr__", lambda self: self._value)


def _secret_formatted() -> None:
    _method("types", "Secret", "__format__", lambda self, spec: self._value)


def _secret_pickled() -> None:
    from dd0c_route.types import Secret

    _method("types", "Secret", "__reduce__", lambda self: (Secret, (self._value,)))


def _config_values() -> None:
    import re

    importlib.import_module("dd0c_route.config.values")._LIKE_A_KEY = re.compile("(?!)")  # type: ignore[attr-defined]


def _commands() -> None:
    """Commands, which ask the package for it, print what they have."""
    importlib.import_module("dd0c_route.redact").redact_sensitive = _same  # type: ignore[attr-defined]


def _filter() -> None:
    _method("redact.stream", "StreamRedactor", "feed", lambda self, piece: piece)
    _method("redact.stream", "StreamRedactor", "end", lambda self: "")


MUTANTS: dict[str, Mutant] = {
    "registry of known secrets": Mutant(_registry, "faults"),
    "registry of callers' credentials": Mutant(_registry_live, "callers"),
    "shapes of credentials": Mutant(_patterns, "callers"),
    "names beside credentials": Mutant(_carriers, "commands"),
    "credentials in base64 and hex": Mutant(_coded, "faults"),
    "labels that are kept": Mutant(_labels, "callers"),
    "refusals of the router": Mutant(_refusals, "callers"),
    "bodies of errors": Mutant(_error_bodies, "faults"),
    "compressed errors": Mutant(_coded_errors, "faults"),
    "headers of errors": Mutant(_error_headers, "faults"),
    "headers of good answers": Mutant(_good_headers, "faults"),
    "errors within streams": Mutant(_stream_errors, "faults"),
    "errors within translated streams": Mutant(_translated_errors, "faults"),
    "callers' credentials stay": Mutant(_private, "callers"),
    "callers' credentials stay, translated": Mutant(_foreign_credential, "callers"),
    "cookies to providers": Mutant(_less("_NOT_UPSTREAM", b"cookie"), "callers"),
    "forwarding headers": Mutant(_less("_NOT_UPSTREAM", b"forwarded"), "callers"),
    "hop-by-hop headers": Mutant(lambda: swap("proxy.headers", "_less_named", _same), "callers"),
    "headers of ours": Mutant(_ours, "callers"),
    "credentials in the query": Mutant(_query, "callers"),
    "cookies to clients": Mutant(_less("_NOT_TO_CLIENT", b"set-cookie"), "good"),
    "stored keys stay in their pool": Mutant(_stored_stays_own, "good"),
    "log": Mutant(_log_text, "panics"),
    "uncaught exceptions": Mutant(_hook("_uncaught", lambda kind, error, tb: _raw(repr(error))), "panics"),
    "uncaught exceptions in threads": Mutant(_hook("_uncaught_in_thread", _thread_hook), "panics"),
    "exceptions in destructors": Mutant(_hook("_unraisable", lambda said: _raw(repr(said))), "panics"),
    "warnings": Mutant(_hook("_warn", lambda message, *_, **__: _raw(str(message))), "panics"),
    "errors of the loop": Mutant(_hook("_loop_error", _loop_hook), "panics"),
    "records of libraries": Mutant(_no_logging, "panics"),
    "handlers of libraries": Mutant(_format, "panics"),
    "records that cannot be formatted": Mutant(_failed_logging, "panics"),
    "standard error": Mutant(_stderr, "panics"),
    "secrets are not shown": Mutant(_secret_shown, "panics"),
    "secrets are not formatted": Mutant(_secret_formatted, "panics"),
    "secrets are not pickled": Mutant(_secret_pickled, "panics"),
    "values of a wrong configuration": Mutant(_config_values, "commands"),
    "output of commands": Mutant(_commands, "commands"),
    "the filter": Mutant(_filter, "commands"),
}
