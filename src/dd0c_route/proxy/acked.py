"""What the other side's kernel has acknowledged, as far as this machine's kernel tells.

Source: Linux `struct tcp_info` (include/uapi/linux/tcp.h): `tcpi_bytes_acked` is the u64 at offset 120, counted from
the first byte after the handshake; it survives a reset (measured: off by less than one chunk for a client that
reads on). `SIOCOUTQ` does not: the queue is purged by the reset.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from asyncio import BaseTransport

_LINUX = sys.platform.startswith("linux")
_STATE_CLOSE = 7  # TCP_CLOSE (include/net/tcp_states.h): reset, or both ends acknowledged
_bytes_acked = struct.Struct("120xQ").unpack_from


class Witness:
    """A second descriptor of a connection, so that the kernel can still be asked when the first one is closed.

    The connection stays open in the kernel until `close` is called; after it the last answer stands.
    """

    __slots__ = ("_last", "_socket")

    def __init__(self, transport: BaseTransport) -> None:
        self._socket: socket.socket | None = None
        self._last: int | None = None
        original = transport.get_extra_info("socket")
        if _LINUX and original is not None and original.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # no descriptor left: then the kernel does not tell
                self._socket = socket.socket(fileno=os.dup(original.fileno()))

    def acked(self) -> int | None:
        """Bytes of ours that the peer's kernel has acknowledged; None where the kernel does not tell."""
        if self._socket is None:
            return self._last
        try:
            acked: int = _bytes_acked(self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128))[0]
        except OSError:
            return None
        return acked

    def finish(self) -> None:
        """Let the kernel send its last bytes and our end behind them; it can still be asked what arrives of that."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the other side was faster
                self._socket.shutdown(socket.SHUT_WR)

    def over(self) -> bool:
        """Nothing that was sent can arrive any more."""
        if self._socket is None:
            return True
        try:
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _STATE_CLOSE
        except OSError:
            return True

    def close(self) -> None:
        if self._socket is not None:
            self._last = self.acked()  # a call that this hang-up cancels settles in a later turn of the loop
            self._socket.close()
            self._socket = None
