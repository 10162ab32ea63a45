"""Other people's reverse proxies, as they stand before the router in the field."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.stand import until

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ignore_invalid_headers off;
    underscores_in_headers on;
    upstream router {{ server 127.0.0.1:{router}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://router;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
"""
"""As lenient as it can be told to be, with connections that are used again: what it lets pass must be stopped here."""

HAPROXY = """
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    option http-keep-alive
    http-reuse always
    option accept-invalid-http-request
frontend front
    bind 127.0.0.1:{port}
    default_backend router
backend router
    server router 127.0.0.1:{router}
"""


def program(name: str) -> str | None:
    """Where *name* is, also outside of an ordinary user's path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def front(name: str, router: int, folder: Path) -> Iterator[int]:
    """`nginx` or `haproxy` before the port *router*: the port on which it listens."""
    command, port = program(name), _free_port()
    assert command is not None
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / f"{name}.conf"
    config.write_text({"nginx": NGINX, "haproxy": HAPROXY}[name].format(folder=folder, router=router, port=port))
    options = ["-p", str(folder), "-c", str(config)] if name == "nginx" else ["-db", "-f", str(config)]
    with (folder / "log").open("wb") as log, subprocess.Popen([command, *options], stdout=log, stderr=log) as process:
        try:
            until(lambda: _listens(port), f"{name}: {(folder / 'log').read_text()}")
            yield port
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
