"""`connect`: point a program that calls LLMs to the router, and undo that to the byte."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from dd0c_route.cli.options import json_option
from dd0c_route.cli.router import address, router_options

if TYPE_CHECKING:
    from dd0c_route.cli.connected import Record
    from dd0c_route.connect import Client, Edit

CLIENTS = ("claude-code", "codex", "opencode", "gemini-cli", "qwen-code", "cline", "continue", "aider", "env")
_ALIASES = {"claude": "claude-code", "gemini": "gemini-cli", "qwen": "qwen-code", "cn": "continue"}

_BESIDE = ".beside"  # what the second file of a client is remembered as

Mode = Literal["print", "check", "undo"]


class _Name(click.ParamType[str]):
    """A client, by its name or that of its program."""

    name = "client"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name = _ALIASES.get(value, value)
        if name not in CLIENTS:
            self.fail(f"{value!r} is none of {', '.join(CLIENTS)}", param, ctx)
        return name


@click.command("connect")
@click.argument("client", metavar="CLIENT", type=_Name())
@click.option("--print", "mode", flag_value="print", help="Show what would change, and change nothing.")
@click.option("--check", "mode", flag_value="check", help="Say whether the client reaches the router.")
@click.option("--undo", "mode", flag_value="undo", help="Bring the client's file back to what it was.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@router_options
@json_option
def command(
    client: str, mode: Mode | None, yes: bool, url: str | None, config_path: str | None, as_json: bool
) -> int:  # fmt: skip
    """Point CLIENT to the router: shows the change, asks, keeps a backup.

    CLIENT is claude-code, codex, opencode, gemini-cli, qwen-code, cline, continue, aider, or env, which prints lines
    for a shell: eval "$(dd0c-route connect env)". No key is asked for, set or moved; the backup is a
    whole copy of the client's file, with the keys that stand in it, for you alone to read.
    """
    router = address(url, config_path)
    if mode == "check":
        return _check(client, router, as_json)
    if client == "env":
        return _shell_lines(router, mode == "undo", as_json)
    if mode == "undo":
        return _undo(client, yes, as_json)
    from dd0c_route.connect import clients

    known = clients()[client]
    failed = _connect(client, known, router, mode == "print", yes, as_json)
    if known.beside is not None and not failed:
        failed = _connect(f"{client}{_BESIDE}", known.beside, router, mode == "print", yes, as_json)
    return failed


def _check(name: str, router: str, as_json: bool) -> int:
    from dd0c_route.cli import reached
    from dd0c_route.connect import clients

    found = (
        list(reached.of_environment(router, os.environ))
        if name == "env"
        else list(reached.of_client(name, clients()[name], router, os.environ))
    )
    broken = [one for one in found if one.state == "broken"]
    if as_json:
        said = [{"name": one.name, "state": one.state, "text": one.text, "fix": one.fix} for one in found]
        click.echo(json.dumps({"client": name, "router": router, "connected": not broken, "findings": said}))
        return int(bool(broken))
    for one in found:
        click.echo(f"{one.state:<8} {one.name}: {one.text}")
        if one.fix:
            click.echo(f"{'':<8} -> {one.fix}")
    click.echo(f"{name} {'does not reach' if broken else 'reaches'} the router")
    return int(bool(broken))


def _shell_lines(router: str, undo: bool, as_json: bool) -> int:
    from dd0c_route.connect import variables

    wanted = variables(router)
    if as_json:
        click.echo(json.dumps({"client": "env", "router": router, "variables": wanted}))
        return 0
    for name, value in wanted.items():
        click.echo(f"unset {name}" if undo else f"export {name}={shlex.quote(value)}")
    return 0


def _agreed(question: str) -> bool:
    """Whether the user says yes; else it is said that nothing was changed."""
    why = ""
    try:
        if click.confirm(question, err=True):
            return True
    except click.Abort:
        if sys.stdin.isatty():
            raise
        why = ": there is nobody to ask (--yes does not ask)"
        click.echo(err=True)
    click.echo(f"nothing was changed{why}", err=True)
    return False


def _connect(name: str, client: Client, router: str, only_print: bool, yes: bool, as_json: bool) -> int:
    from dd0c_route.cli import connected

    path = connected.file_of(client, os.environ)
    now = connected.content(path)
    memory = connected.memory(name, os.environ)
    record = connected.recalled(memory)
    if record is not None and record.path != path.resolve():
        raise click.ClickException(
            f"{name} was connected by {record.path}: undo that first (--undo), it is another file"
        )
    if _edit(client, path, now, router).changes == ():
        return _report(name, client, path, None, now, as_json, "was connected already")
    if record is not None and now not in (record.written, record.original):
        raise click.ClickException(_changed_since(record, now))
    original = record.original if record is not None else now
    edit = _edit(client, path, original, router)
    if only_print or not as_json:
        _report(name, client, path, edit, now, as_json, "")
    if only_print:
        return 0
    if not (yes or _agreed(f"Write this to {path}?")):
        return 1
    if connected.content(path) != now:
        raise click.ClickException(f"{path} was changed in this moment by somebody else: look at it, and try again")
    connected.write(path, original, edit.text.encode(), memory, record)
    undoing = f"dd0c-route connect {name.removesuffix(_BESIDE)} --undo"
    said = f"is connected; the file as it was is kept in {memory}, and '{undoing}' brings it back"
    return _report(name, client, path, edit if as_json else None, now, as_json, said)


def _edit(client: Client, path: Path, data: bytes | None, router: str) -> Edit:
    from dd0c_route.connect import CannotEdit, edited

    try:
        text = client.starter.lstrip("\n") if data is None else data.decode()
        edit = edited(client.form, text, client.wanted(router, _own_command(), os.environ))
    except (CannotEdit, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path}: {error}: nothing was changed") from None
    if not edit.changes and data is not None and not _leads_there(client, edit.text, router):
        raise click.ClickException(f"{path}: holds no '{'.'.join(client.address)}' that may be changed: add one first")
    return edit


def _leads_there(client: Client, text: str, router: str) -> bool:
    from dd0c_route.connect import found
    from dd0c_route.connect.clients import filled

    return filled(client.expects, router) in found(client.form, text, client.address) or "*" not in client.address


def _own_command() -> str:
    """This program, as another one can call it."""
    on_path = shutil.which("dd0c-route")
    if on_path is not None:
        return shlex.quote(on_path)
    beside = Path(sys.executable).with_name("dd0c-route")
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m dd0c_route"


def _undo(name: str, yes: bool, as_json: bool) -> int:
    from dd0c_route.cli import connected

    record = connected.recalled(connected.memory(name, os.environ))
    beside = connected.recalled(connected.memory(f"{name}{_BESIDE}", os.environ))
    failed = _undo_file(f"{name}{_BESIDE}", beside, yes, as_json) if beside is not None else 0
    if record is None and beside is not None:
        return failed
    return _undo_file(name, record, yes, as_json) or failed


def _undo_file(name: str, record: Record | None, yes: bool, as_json: bool) -> int:
    from dd0c_route.cli import connected

    if record is None:
        raise click.ClickException(f"{name} was not connected by this user: nothing to undo")
    now = connected.content(record.path)
    if now == record.original:
        connected.forget(record)
        return _undone(name, record, as_json, "is as it was before already")
    if now != record.written:
        raise click.ClickException(_changed_since(record, now))
    if not as_json:
        click.echo(_diff(record.path, now, record.original))
    if not (yes or _agreed(f"Bring {record.path} back to this?")):
        return 1
    connected.undo(record)
    return _undone(name, record, as_json, "is as it was before" if record.original is not None else "is removed")


def _undone(name: str, record: Record, as_json: bool, said: str) -> int:
    if as_json:
        click.echo(json.dumps({"client": name, "file": str(record.path), "connected": False}))
    else:
        click.echo(f"{record.path} {said}")
    return 0


def _changed_since(record: Record, now: bytes | None) -> str:
    return (
        f"{record.path} was changed since it was connected, and is left alone. What is different:\n"
        f"{_diff(record.path, record.written, now)}\n"
        f"Take this out again, or put the file back by hand; as it was before, it lies in {record.kept_in} "
        "(delete that folder to begin anew with the file as it is)"
    )


def _report(
    name: str, client: Client, path: Path, edit: Edit | None, now: bytes | None, as_json: bool, said: str
) -> int:  # fmt: skip
    from dd0c_route.redact import redact_sensitive

    if as_json:
        changes = [
            {"path": one.path, "before": redact_sensitive(json.dumps(one.before)), "after": json.dumps(one.after)}
            for one in (edit.changes if edit else ())
        ]
        answer = {"client": name, "file": str(path), "connected": bool(said), "changes": changes}
        click.echo(json.dumps({**answer, "credential": client.credential}))
        return 0
    if edit is not None:
        click.echo(_diff(path, now, edit.text.encode()))
        click.echo(f"{client.title} shows: {client.credential}")
    if said:
        click.echo(f"{name} {said}")
    return 0


def _diff(path: Path, before: bytes | None, after: bytes | None) -> str:
    """What changes, for people; secrets that happen to stand near are masked."""
    from dd0c_route.redact import redact_sensitive

    old, new = ((data or b"").decode(errors="replace").splitlines() for data in (before, after))
    names = ("/dev/null" if before is None else str(path), "/dev/null" if after is None else str(path))
    return redact_sensitive("\n".join(difflib.unified_diff(old, new, *names, lineterm="", n=2)))
