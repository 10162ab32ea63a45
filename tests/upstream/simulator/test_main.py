from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import dd0c_route

SOURCE = str(Path(dd0c_route.__file__).parents[1])


def run(*arguments: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dd0c_route.upstream.simulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pass_fds,
        text=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_when_told(number: signal.Signals) -> None:
    with run("--port", "0") as process:
        assert process.stdout is not None
        found = re.fullmatch(r"simulator on http://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
        assert found
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
        connection.request("GET", "/v1/models")
        assert connection.getresponse().status == 200
        process.send_signal(number)  # the connection is still open: it must not hold the end up
        assert process.wait(10) == 0


def test_a_call_made_before_it_is_up_waits_in_the_socket_that_it_inherits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=10)
        connection.request("GET", "/v1/models")
        with run("--fd", str(listener.fileno()), pass_fds=(listener.fileno(),)) as process:
            assert connection.getresponse().status == 200
            process.terminate()
            assert process.wait(10) == 0


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with run("--port", port) as process:
            _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert port in errors
    assert "Traceback" not in errors


def test_a_wrong_script_is_told_in_one_line(tmp_path: Path) -> None:
    with run("--script", str(tmp_path / "gone.toml")) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "gone.toml" in errors
    assert "Traceback" not in errors
