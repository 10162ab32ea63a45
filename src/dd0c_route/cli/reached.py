"""What `connect --check` looks at: the client's own file, what goes before it, and the router."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dd0c_route.cli.connected import content, file_of
from dd0c_route.cli.findings import Finding
from dd0c_route.cli.router import state
from dd0c_route.connect import CannotEdit, Client, found, variables
from dd0c_route.connect.clients import filled


def of_client(name: str, client: Client, router: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether *client* reaches *router*; broken is what keeps it from that."""
    yield from _file(name, client, router, environ)
    for variable, template in client.environment.items():
        wanted = filled(template, router)
        if (value := environ.get(variable)) and value.rstrip("/") != wanted:
            text = f"{variable} in the environment goes before the file, and leads elsewhere"
            yield Finding("environment", "broken", text, f"unset {variable}, or set it to {wanted}")
    for variable in client.elsewhere:
        if environ.get(variable, "").lower() not in ("", "0", "false"):
            text = f"{variable} is set: {client.title} then calls another service"
            yield Finding("environment", "broken", text, f"unset {variable}")
    yield from _files_before(client, router)
    if client.beside is not None:
        yield from _file(name, client.beside, router, environ)
        yield from _files_before(client.beside, router)
    yield of_router(router)


def of_environment(router: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The same for programs that read the plain variables."""
    for name, wanted in variables(router).items():
        value = environ.get(name)
        if value is not None and value.rstrip("/") == wanted:
            yield Finding("environment", "ok", f"{name} is {wanted}")
        else:
            text = f"{name} is not set" if value is None else f"{name} leads elsewhere"
            yield Finding("environment", "broken", text, 'eval "$(dd0c-route connect env)"')
    yield of_router(router)


def of_router(router: str) -> Finding:
    """Whether the router answers."""
    match state(router):
        case "ready":
            return Finding("router", "ok", f"answers at {router}")
        case "locked":
            return Finding(
                "router", "ok", f"answers at {router}, and asks for an access key: the client has to show one"
            )
        case "other":
            return Finding("router", "broken", f"something else answers at {router}", "name the router with --url")
        case _:
            return Finding("router", "broken", f"nothing answers at {router}", "start it: dd0c-route up")


def _file(name: str, client: Client, router: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    path = file_of(client, environ)
    data = content(path)
    fix = f"dd0c-route connect {name}"
    if data is None:
        yield Finding("file", "broken", f"{path} is not there", fix)
        return
    try:
        values = found(client.form, data.decode(), client.address)
    except (CannotEdit, UnicodeDecodeError) as error:
        yield Finding("file", "broken", f"{path}: {error}", "mend it by hand")
        return
    wanted = filled(client.expects, router)
    if wanted in [str(value).rstrip("/") for value in values]:
        yield Finding("file", "ok", f"{path}: {'.'.join(client.address)} is {wanted}")
    else:
        what = "leads elsewhere" if values else "is not set"
        yield Finding("file", "broken", f"{path}: {'.'.join(client.address)} {what}", fix)


def _files_before(client: Client, router: str) -> Iterator[Finding]:
    """Files of the project or the administrator that name another address."""
    wanted = filled(client.expects, router)
    for one in client.files_before:
        data = content(Path(one))
        if data is None:
            continue
        try:
            values = found(client.form, data.decode(), client.address)
        except (CannotEdit, UnicodeDecodeError):
            continue  # the client will say more about it than we can
        if [value for value in values if str(value).rstrip("/") != wanted]:
            text = f"{one} goes before the user's file, and leads elsewhere"
            yield Finding("file", "broken", text, f"change {'.'.join(client.address)} in it to {wanted}")
