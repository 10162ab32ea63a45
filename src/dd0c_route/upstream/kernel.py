"""What the kernel knows of a connection and the loop does not, or not yet."""

from __future__ import annotations

import select
import socket
import struct
import sys

_BYTES_ACKED = 120  # offset of tcpi_bytes_acked in `struct tcp_info`; source: linux/tcp.h
_unpack_count = struct.Struct("=Q").unpack_from


class SocketView:
    """Looks at a socket without taking anything from it: half a microsecond, or one, a look."""

    __slots__ = ("_counts", "_getsockopt", "_poll")

    def __init__(self, sock: socket.socket) -> None:
        poller = select.poll()
        poller.register(sock, select.POLLIN | getattr(select, "POLLRDHUP", 0))
        self._poll = poller.poll
        self._getsockopt = sock.getsockopt
        self._counts = sys.platform == "linux" and sock.family in (socket.AF_INET, socket.AF_INET6)

    def has_news(self) -> bool:
        """Bytes or the other side's end have arrived, which the loop has not read yet."""
        return bool(self._poll(0))

    def bytes_acked(self) -> int | None:
        """How many bytes the peer's kernel has acknowledged so far, the SYN counting as one.

        None where nobody tells: not Linux, not TCP, closed already, a kernel that keeps no count.
        """
        if not self._counts:
            return None
        try:
            count: int = _unpack_count(
                self._getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8), _BYTES_ACKED
            )[0]
        except (OSError, struct.error):
            return None
        return count or None
