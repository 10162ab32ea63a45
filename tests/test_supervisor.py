"""The processes of `serve`: they start together, are restarted alone, and end in order."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.access.keys import new_key
from dd0c_route.config import Server
from dd0c_route.errors import ConfigError
from dd0c_route.supervisor import listen
from tests.stand import CHAT, PROVIDERS, Stand, until

WORKER, CONTROL = "dd0c_route.proxy", "dd0c_route.control"
CALL = json.dumps(CHAT).encode()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path) as running:
        yield running


def request_bytes(extra: str = "") -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CALL)}\r\nConnection: close\r\n"
    return head.encode() + extra.encode() + b"\r\n" + CALL


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def serve(stand: Stand, *options: str) -> subprocess.CompletedProcess[str]:
    """A second router that is expected not to start."""
    command = [sys.executable, "-m", "dd0c_route", "serve", "--config", str(stand.config_path), *options]
    return subprocess.run(
        command, env=stand.environ, cwd=stand.folder, capture_output=True, text=True, timeout=30, check=False
    )


# --- the address ----------------------------------------------------------------------------------------------


def test_a_second_router_on_the_same_port_is_noticed(stand: Stand) -> None:
    refused = serve(stand, "--port", str(stand.port))

    assert refused.returncode == 1
    assert str(stand.port) in refused.stderr
    assert "--port" in refused.stderr
    assert stand.get("/healthz").status == 200


def test_a_proxy_that_the_environment_names_is_told_at_the_start_without_its_password(tmp_path: Path) -> None:
    far = '[providers.far]\ndialect = "openai"\nbase_url = "https://api.example.com/v1"\n'
    environ = {"https_proxy": "http://user:synthetic-word@127.0.0.1:3128"}
    with Stand(tmp_path, far, environ=environ) as stand:
        log = until(
            lambda: (text := (stand.folder / "router.log").read_text()) and "far" in text and text, "a word of it"
        )
    assert "provider 'far' is reached through 127.0.0.1:3128, as the environment says" in log
    assert "synthetic-word" not in log
    assert "provider 'sim'" not in log  # on this machine, and reached directly


def test_workers_share_one_port_that_nobody_else_can_have() -> None:
    sockets = listen(Server(port=0, workers=3))
    try:
        ports = {sock.getsockname()[1] for sock in sockets}
        assert (len(sockets), len(ports)) == (3, 1)
        with pytest.raises(ConfigError, match="cannot listen"):
            listen(Server(port=ports.pop()))
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.parametrize("host", ["256.1.1.1", "no-such-host.invalid"])
def test_an_address_that_is_none_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.port"):
        listen(Server(host=host, port=0))


def test_a_public_address_with_stored_keys_is_refused_without_access_keys(stand: Stand) -> None:
    refused = serve(stand, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - that it is refused is the point

    assert refused.returncode == 1
    assert "access_keys" in refused.stderr
    assert "Traceback" not in refused.stderr


# --- deaths ---------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_is_replaced_within_a_second(stand: Stand) -> None:
    (worker,) = stand.children(WORKER)
    os.kill(worker, signal.SIGKILL)
    died = time.monotonic()

    until(lambda: [pid for pid in stand.children(WORKER) if pid != worker], "another worker")
    assert time.monotonic() - died < 1.0
    assert stand.post("/v1/chat/completions", CHAT).status == 200


def test_connections_that_wait_for_a_worker_that_died_are_served_by_the_next(stand: Stand) -> None:
    (worker,) = stand.children(WORKER)
    os.kill(worker, signal.SIGSTOP)
    with stand.raw() as first, stand.raw() as second:
        first.sendall(request_bytes())
        second.sendall(request_bytes())
        os.kill(worker, signal.SIGKILL)

        for sock in (first, second):
            assert read_all(sock).startswith(b"HTTP/1.1 200 OK")
    assert len(stand.entries(2)) == 2


def test_of_two_workers_one_is_enough(tmp_path: Path) -> None:
    with Stand(tmp_path, options=("--workers", "2")) as stand:
        workers = stand.children(WORKER)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        for _ in range(8):
            assert stand.post("/v1/chat/completions", CHAT).status == 200
        until(lambda: len(stand.children(WORKER)) == 2, "a second worker")
        assert len(stand.entries(8)) == 8


def test_without_its_control_process_calls_are_served_and_entries_wait_for_the_next_one(stand: Stand) -> None:
    (control,) = stand.children(CONTROL)
    os.kill(control, signal.SIGSTOP)
    answers = [stand.post("/v1/chat/completions", CHAT) for _ in range(3)]
    os.kill(control, signal.SIGKILL)
    answers += [stand.post("/v1/chat/completions", CHAT) for _ in range(3)]

    assert {answer.status for answer in answers} == {200}
    until(lambda: [pid for pid in stand.children(CONTROL) if pid != control], "another control process")
    until(lambda: stand.get("/api/v1/requests").status == 200, "its answers")
    for answer in answers:
        assert stand.entry(answer.id)["end_state"] == "complete"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux: a limit set from outside")
def test_a_supervisor_that_can_start_nothing_now_goes_on_and_starts_it_later(tmp_path: Path) -> None:
    with Stand(tmp_path, options=("--workers", "2")) as stand:
        first, second = stand.children(WORKER)
        before = resource.prlimit(stand.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(stand.pid, resource.RLIMIT_NOFILE, (3, before[1]))  # what is open stays open
        os.kill(first, signal.SIGKILL)
        until(lambda: "process_not_started" in stand.router.log.read_text(), "the word that nothing can be started")

        assert stand.router.popen.poll() is None
        assert stand.children(WORKER) == [second], "the other worker lives"

        resource.prlimit(stand.pid, resource.RLIMIT_NOFILE, before)
        until(lambda: len(stand.children(WORKER)) == 2, "a second worker")
        assert stand.post("/v1/chat/completions", CHAT).status == 200


def test_no_child_outlives_a_supervisor_that_is_killed(stand: Stand) -> None:
    children = stand.children(WORKER) + stand.children(CONTROL)
    assert len(children) == 2
    os.kill(stand.pid, signal.SIGKILL)

    until(lambda: not any(map(alive, children)), "the end of the children", 5.0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stand.port), timeout=5)


# --- the end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_call_is_finished_before_the_router_ends(stand: Stand, number: signal.Signals) -> None:
    with stand.raw() as sock:
        sock.sendall(request_bytes("x-sim: chunks=5; ttft_ms=400\r\n"))
        until(lambda: stand.connections()["sim"]["in_use"] == 1, "the call")

        code = stand.router.stop(number)

        assert code == 0
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer or b"connection: keep-alive" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["usage"]["completion_tokens"] == 5
    stand.start_router()
    (entry,) = stand.entries(1)
    assert (entry["end_state"], entry["usage"]["output"]) == ("complete", 5)


def test_a_call_that_does_not_end_in_time_is_cut_and_settled(tmp_path: Path) -> None:
    with Stand(tmp_path, "[server]\ngrace_s = 0.3\n") as stand:
        with stand.raw() as sock:
            sock.sendall(request_bytes("x-sim: stall_after=0\r\n"))
            until(lambda: stand.connections()["sim"]["in_use"] == 1, "the call")
            began = time.monotonic()

            assert stand.router.stop() == 0

            assert time.monotonic() - began < 5.0
            answer = read_all(sock)
        assert not answer or b" 503 " in answer.splitlines()[0]
        stand.start_router()
        (entry,) = stand.entries(1)
        assert entry["end_state"] == "shut_down"


def test_an_idle_connection_does_not_keep_the_router(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        began = time.monotonic()
        assert stand.router.stop() == 0
        assert time.monotonic() - began < 5.0
        assert sock.recv(1) == b""


def test_the_end_leaves_no_process_and_no_file_behind(stand: Stand) -> None:
    children = stand.children(WORKER) + stand.children(CONTROL)
    command = Path(f"/proc/{children[0]}/cmdline").read_bytes().decode().split("\0")
    runtime_dir = Path(next(part for part in command if part.endswith("boot.json"))).parent
    assert runtime_dir.stat().st_mode & 0o777 == 0o700

    assert stand.router.stop() == 0

    assert not any(map(alive, children))
    assert not runtime_dir.exists()


# --- access keys ----------------------------------------------------------------------------------------------

KEYS: dict[str, tuple[str, str]] = {"stored": new_key(), "by reference": new_key()}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A router with access keys, one as a hash, one by reference, and a provider that needs the caller's own key."""
    config = f'[server]\naccess_keys = ["{KEYS["stored"][1]}", {{{{ env = "ROUTER_KEY" }}}}]\n'
    own = '\n[providers.own]\ndialect = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
    environ = {"ROUTER_KEY": KEYS["by reference"][0]}
    folder = tmp_path_factory.mktemp("locked")
    with Stand(folder, config, providers=PROVIDERS + own, environ=environ) as running:
        yield running


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-goog-api-key", "api-key", "x-dd0c-key"])
def test_an_access_key_opens_the_door_in_each_place(locked: Stand, name: str, header: str) -> None:
    key, stored = KEYS[name]
    value = f"Bearer {key}" if header == "authorization" else key

    answer = locked.post("/v1/chat/completions", CHAT, {header: value, "x-sim": "echo=1"})

    assert answer.status == 200
    seen = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert key not in json.dumps(seen)
    entry = until(lambda: entry_with(locked, answer.id, key), "the entry")
    assert entry["key_id"] == stored.removeprefix("sha256:")[:8]


def entry_with(stand: Stand, request_id: str, key: str) -> object:
    """The entry, or None while it is not readable."""
    answer = stand.request("GET", f"/api/v1/requests/{request_id}", headers={"authorization": f"Bearer {key}"})
    return answer.json() if answer.status == 200 else None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer synthetic-wrong-key"},
        {"authorization": f"Bearer {KEYS['stored'][0]}x"},
        {"authorization": f"Bearer {KEYS['stored'][0][:-1]}"},
        {"authorization": f"Bearer {KEYS['stored'][1]}"},
        {"x-api-key": "synthetic-wrong-key"},
        {"x-dd0c-key": "synthetic-wrong-key", "authorization": f"Bearer {KEYS['stored'][0]}"},
    ],
    ids=["none", "wrong", "longer", "shorter", "hash", "wrong-x-api-key", "wrong-x-dd0c-key"],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/passthrough/sim/v1/files"])
def test_without_one_nothing_is_called_and_the_answer_is_always_the_same(
    locked: Stand, headers: dict[str, str], path: str
) -> None:
    before = locked.sim_stats()["totals"]["calls"]
    answer = locked.post(path, CHAT, headers)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "x-dd0c-key" in json.dumps(answer.json())
    assert "dd0c_sk_" not in answer.body.decode()
    assert locked.sim_stats()["totals"]["calls"] == before


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/api/hello"])
def test_probes_need_no_key(locked: Stand, path: str) -> None:
    assert locked.get(path).status == 200


@pytest.mark.parametrize("path", ["/ui", "/api/v1/requests", "/api/v1/connections", "/metrics"])
def test_the_console_and_the_api_need_one(locked: Stand, path: str) -> None:
    # The workers answer while the control process may still be starting.
    status = until(lambda: (got := locked.get(path).status) != 503 and got, "the control process's answer")
    assert status == 401
    key = KEYS["stored"][0]
    assert locked.request("GET", path, headers={"authorization": f"Bearer {key}"}).status in (200, 302, 303, 307)


def test_the_callers_own_credential_passes_beside_an_access_key(locked: Stand) -> None:
    headers = {"x-dd0c-key": KEYS["stored"][0], "authorization": "Bearer the-callers-own", "x-sim": "echo=1"}

    answer = locked.post("/v1/chat/completions", {**CHAT, "model": "own/m-1"}, headers)

    seen = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert ["authorization", "Bearer the-callers-own"] in seen["headers"]
    assert KEYS["stored"][0] not in json.dumps(seen)


def test_an_access_key_is_no_credential_for_a_provider(locked: Stand) -> None:
    answer = locked.post(
        "/v1/chat/completions", {**CHAT, "model": "own/m-1"}, {"authorization": f"Bearer {KEYS['stored'][0]}"}
    )

    assert answer.status == 401
    assert "providers.own.api_key" in answer.json()["error"]["message"]


# --- reloading ------------------------------------------------------------------------------------------------


def test_connections_are_opened_ahead_at_the_start_and_after_a_reload(tmp_path: Path) -> None:
    def warm(connections: int) -> str:
        return PROVIDERS.replace('"openai"', f'"openai"\nwarm_connections = {connections}')

    with Stand(tmp_path, providers=warm(2)) as stand:
        until(lambda: stand.connections()["sim"] == {"open": 2, "in_use": 0}, "the first connections")
        stand.config_path.write_text(warm(3).format(port=stand.sim_port))
        assert stand.request("POST", "/api/v1/reload").status == 200
        until(lambda: stand.connections()["sim"] == {"open": 3, "in_use": 0}, "the connections of the new pool")


def test_sighup_takes_a_changed_configuration_up(stand: Stand) -> None:
    assert stand.post("/v1/chat/completions", {**CHAT, "model": "later/m-1"}).headers["x-dd0c-provider"] == "sim"
    later = f'\n[providers.later]\ndialect = "openai"\nbase_url = "http://127.0.0.1:{stand.sim_port}/v1"\n'
    stand.config_path.write_text(stand.config_path.read_text() + later)
    os.kill(stand.pid, signal.SIGHUP)

    def served_by_it() -> bool:
        answer = stand.post("/v1/chat/completions", {**CHAT, "model": "later/m-1"})
        return answer.status == 200 and answer.headers["x-dd0c-provider"] == "later"

    until(served_by_it, "the reload")


def test_sighup_with_a_broken_configuration_keeps_the_old_one_and_says_so(stand: Stand) -> None:
    stand.config_path.write_text(stand.config_path.read_text() + "\n[server]\nprot = 1\n")
    os.kill(stand.pid, signal.SIGHUP)

    until(lambda: "server.prot" in stand.router.log.read_text(), "the refusal in the log")
    (line,) = [line for line in stand.router.log.read_text().splitlines() if "server.prot" in line]
    assert json.loads(line)["role"] == "supervisor", "one kind of line, whoever of the processes says it"
    assert stand.post("/v1/chat/completions", CHAT).status == 200


def test_a_reload_says_what_only_the_next_start_changes(stand: Stand) -> None:
    stand.connections()  # the control process is there, too
    stand.config_path.write_text(stand.config_path.read_text() + "\n[server]\nworkers = 2\n")
    assert stand.request("POST", "/api/v1/reload").status == 200
    log = stand.router.log.read_text()
    assert "server.workers: only the next start changes it" in log
    assert "server.host" not in log


def test_a_running_call_ends_with_the_configuration_that_it_began_with(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(request_bytes("x-sim: chunks=5; ttft_ms=500\r\n"))
        until(lambda: stand.connections()["sim"]["in_use"] == 1, "the call")
        changed = stand.config_path.read_text().replace("[providers.sim]", "[providers.sim]\nidle_s = 5.0")
        stand.config_path.write_text(changed)
        assert stand.request("POST", "/api/v1/reload").status == 200

        assert read_all(sock).startswith(b"HTTP/1.1 200 OK")
    assert stand.post("/v1/chat/completions", CHAT).status == 200
