"""`doctor` finds what is broken, says how to mend it, and shows no key."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.cli import findings
from dd0c_route.cli.findings import Finding, of_config, of_machine
from dd0c_route.config import Config, Loaded, Provider, Server
from dd0c_route.ledger.counting import publish
from dd0c_route.ledger.learning import Learning
from dd0c_route.tokens.drift import CALLS
from dd0c_route.types import Count
from tests.cli.programs import ran
from tests.cli.test_ledger import entry, filled
from tests.ledger.examples import an_audit

ROOT = Path(__file__).parents[2]
PLANTED = "synthetic-planted-0123456789"
CONFIG = '[server]\nport = {port}\n[providers.openai]\napi_key = {{ env = "K" }}\n'
NOW_NS = 1_900_000_000 * 1_000_000_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def report(folder: Path, **environ: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by name; where a name comes twice, the worse one."""
    result = ran(folder, "doctor", "--json", environ=environ)
    assert PLANTED.encode() not in result.stdout + result.stderr
    found = sorted(json.loads(result.stdout), key=lambda one: ["ok", "warning", "broken"].index(one["state"]))
    return result.returncode, {one["name"]: one for one in found}


def loaded(folder: Path, base_url: str = "http://127.0.0.1:9000/v1") -> Loaded:
    row = Provider(name="local", dialect="openai", base_url=base_url)
    config = Config(server=Server(port=free_port()), providers={"local": row})
    return Loaded(config, (), folder, "0")


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in found}


def test_a_sound_installation_has_nothing_broken(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=free_port()))
    code, found = report(tmp_path, K=PLANTED)
    assert code == 0, found
    assert {one["state"] for one in found.values()} == {"ok"}
    assert {"python", "packages", "clock", "open files", "configuration", "port", "ledger", "journal"} <= found.keys()
    assert "its key is there" in found["provider openai"]["text"]


def test_models_without_a_price_are_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    filled(tmp_path, entry(time.time_ns(), unpriced=True, provider="local", served_model="acme-1"), name="dd0c.db")
    (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=free_port()))
    code, found = report(tmp_path, K=PLANTED)
    assert (code, found["prices"]["state"]) == (0, "warning")
    assert found["prices"]["text"] == "1 call of local/acme-1 without a price"
    assert "dd0c-route reprice --since" in found["prices"]["fix"]


def test_a_missing_key_is_broken_with_its_fix(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=free_port()))
    code, found = report(tmp_path)
    assert code == 1
    assert "the environment variable K is not set: export it" in found["configuration"]["text"]


def test_without_providers_the_keys_at_hand_are_named(tmp_path: Path) -> None:
    code, found = report(tmp_path, OPENAI_API_KEY=PLANTED, DD0C_SERVER__PORT=str(free_port()))
    assert code == 0
    assert found["providers"]["state"] == "warning"
    assert "OPENAI_API_KEY" in found["providers"]["text"]
    assert "init" in found["providers"]["fix"]
    assert "table in dd0c.toml" in found["providers"]["fix"]  # where there is one, 'init' would refuse to replace it


def test_a_port_in_use_is_broken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=other.getsockname()[1]))
        code, found = report(tmp_path, K=PLANTED)
    assert (code, found["port"]["state"]) == (1, "broken")
    assert "choose another port" in found["port"]["fix"]


def test_a_ledger_that_is_no_ledger_is_broken(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=free_port()))
    (tmp_path / "dd0c.db").write_text("this is no database, however long it is " * 100)
    code, found = report(tmp_path, K=PLANTED)
    assert (code, found["ledger"]["state"]) == (1, "broken")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_ledger_that_cannot_be_written_is_broken(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(CONFIG.format(port=free_port()))
    tmp_path.chmod(0o500)
    assert report(tmp_path, K=PLANTED)[1]["ledger"]["state"] == "broken"


def test_entries_that_wait_in_the_journal_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_BACKLOG_BYTES", 1000)
    (tmp_path / "dd0c.db.journal").mkdir()
    (tmp_path / "dd0c.db.journal" / "0-x-0.log").write_bytes(b"x" * 2000)
    assert by_name(list(of_config(loaded(tmp_path), {})))["journal"].state == "warning"


@pytest.mark.parametrize(
    ("base_url", "environ", "state"),
    [
        ("http://acme.invalid/v1", {"HTTP_PROXY": f"http://me:{PLANTED}@proxy.invalid"}, "ok"),
        ("http://acme.invalid/v1", {"http_proxy": "http://proxy.invalid", "NO_PROXY": "acme.invalid"}, None),
        ("http://acme.invalid/v1", {"https_proxy": "http://proxy.invalid"}, None),
        ("https://acme.invalid/v1", {"ALL_PROXY": f"socks5://me:{PLANTED}@proxy.invalid"}, "broken"),
        ("http://127.0.0.1:9000/v1", {"HTTP_PROXY": "http://proxy.invalid"}, None),
        ("http://acme.invalid/v1", {}, None),
    ],
)
def test_the_proxy_that_a_provider_is_reached_through_is_named(
    tmp_path: Path, base_url: str, environ: dict[str, str], state: str | None
) -> None:
    found = by_name(list(of_config(loaded(tmp_path, base_url=base_url), environ))).get("proxy")
    assert (found.state if found else None) == state
    assert PLANTED not in str(found)


def test_a_clock_before_this_program_was_made_is_broken() -> None:
    assert by_name(list(of_machine(1_000_000_000)))["clock"].state == "broken"
    assert by_name(list(of_machine(NOW_NS)))["clock"].state == "ok"


def test_every_package_that_the_project_needs_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=~ ;]", one)[0].replace("-", "_") for one in project["dependencies"]]
    assert sorted("yaml" if name == "pyyaml" else name for name in names) == sorted(findings._NEEDED)


def test_a_missing_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_NEEDED", ("click", "no_such_package_here"))
    found = by_name(list(of_machine(NOW_NS)))["packages"]
    assert (found.state, found.text) == ("broken", "missing: no_such_package_here")


def test_few_descriptors_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda kind: (256, 256))
    assert by_name(list(of_machine(NOW_NS)))["open files"].state == "warning"


def test_the_text_for_people_ends_with_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text("[server]\nprot = 1\n")
    result = ran(tmp_path, "doctor")
    assert result.returncode == 1
    assert result.stdout.decode().splitlines()[-1] == "1 broken"
    assert b"\x1b" not in result.stdout


def test_counts_that_no_longer_fit_are_found(tmp_path: Path) -> None:
    journal = tmp_path / "dd0c.db.journal"
    journal.mkdir()
    learning = Learning()
    publish(journal, learning)
    (fine,) = findings.of_counts(loaded(tmp_path))
    assert fine.state == "ok"
    for _ in range(CALLS):
        learning.add(an_audit(count=Count(9, "exact", (9, 9), "o200k_base"), reported=10, answer=None))
    publish(journal, learning)
    (wrong,) = findings.of_counts(loaded(tmp_path))
    assert (wrong.name, wrong.state) == ("counts", "warning")
    assert "100% of the counts called exact" in wrong.text


def test_vocabularies_that_can_be_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dd0c_route.tokens.extras.path_of", lambda row: None)
    found = by_name(list(of_machine(NOW_NS)))["vocabularies"]
    assert (found.state, found.text) == (
        "ok",
        "installed: none; estimated without: deepseek, gemini, llama, mistral, qwen",
    )
