"""What a browser does of its own accord: it keeps cookies as they ask for, and says where a request comes from."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.stand import Answer, Stand

FORM = "application/x-www-form-urlencoded"


class Browser:
    """One on the machine of *stand*; with *headers* that a server in front of the router would add."""

    def __init__(self, stand: Stand, headers: dict[str, str] | None = None) -> None:
        self.stand = stand
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""  # the last one, whole
        self._headers = headers or {}

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self._send("GET", path, b"", headers)

    def submit(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> Answer:
        """A form of our own page; *headers* may say that it is somebody else's."""
        own = {"origin": f"http://127.0.0.1:{self.stand.port}", "sec-fetch-site": "same-origin", "content-type": FORM}
        return self._send("POST", path, urlencode(fields).encode(), own | (headers or {}))

    def post(self, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        own = {"origin": f"http://127.0.0.1:{self.stand.port}", "sec-fetch-site": "same-origin"}
        return self._send("POST", path, body, own | (headers or {}))

    def login(self, secret: str, target: str = "/ui") -> Answer:
        return self.submit("/ui/login", {"secret": secret, "next": target})

    @property
    def csrf(self) -> str:
        """The token that stands in a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get("/ui").body.decode())
        return found[1] if found else ""

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str] | None) -> Answer:
        sent = self._headers | (headers or {})
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.stand.request(method, path, body, sent)
        if text := answer.headers.get("set-cookie"):
            self.set_cookie = text
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer
