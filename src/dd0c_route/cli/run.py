"""`run`: one command whose calls go through the router; nothing else on the machine is changed."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import click

from dd0c_route.cli.router import address, router_options, state

_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as shells and env(1) answer


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@router_options
@click.argument("words", metavar="-- CMD [ARGUMENT]…", nargs=-1, required=True, type=click.UNPROCESSED)
def command(words: tuple[str, ...], url: str | None, config_path: str | None) -> int:
    """Run CMD with an environment that points it to the running router.

    CMD takes the place of this process: signals, terminal and exit code are its own. 127: it was not found.
    """
    router = address(url, config_path)
    found = state(router)
    if found in ("away", "other"):
        what = "nothing answers" if found == "away" else "something else than the router answers"
        raise click.ClickException(f"{what} at {router}: start it (dd0c-route up), or name it with --url")
    program, *arguments = words
    environ = pointed(dict(os.environ), router)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(program, [program, *_own_arguments(program, router), *arguments], environ)  # noqa: S606 - the user's
    except OSError as error:
        click.echo(f"error: {program}: {error.strerror}", err=True)
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE


def pointed(environ: dict[str, str], router: str) -> dict[str, str]:
    """*environ* with the variables that lead to *router*, past any proxy."""
    from dd0c_route.connect import variables

    always = variables(router)
    if_unset = {name: value for name, value in variables(router, running=True).items() if name not in always}
    merged = {**if_unset, **environ, **always}
    host = urlsplit(router).hostname or ""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [one for one in merged.get(name, "").split(",") if one]
        if host not in listed and "*" not in listed:
            merged[name] = ",".join([*listed, host])
    return merged


def _own_arguments(program: str, router: str) -> list[str]:
    """For programs that no variable points elsewhere."""
    from dd0c_route.connect import clients
    from dd0c_route.connect.clients import filled

    auth = 'env_key="OPENAI_API_KEY"' if os.environ.get("OPENAI_API_KEY") else "requires_openai_auth=true"
    known = [one for one in clients().values() if one.program == os.path.basename(program)]
    return [filled(one, router, codex_auth=auth) for client in known for one in client.arguments]
