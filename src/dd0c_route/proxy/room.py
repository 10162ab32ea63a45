"""How many clients a worker has room for: as many as are configured, and as there are file descriptors.

A worker that accepts until the system refuses cannot dial providers any more, nor begin a segment of its journal, and
can only hang up on whom it has no descriptor to answer. So it refuses the last ones in time, with an answer.
"""

from __future__ import annotations

import resource

OF_A_CLIENT = 3  # its socket, the one beside it that asks the kernel what was acknowledged, and a provider's
REFUSED_AT_ONCE = 16
RESERVED = 64  # of ours: the journal, pipes to processes, the private sockets; and those who are being refused


def most_clients(configured: int) -> int:
    """*configured*, or fewer where the descriptors that this process may open do not suffice; 1 at least."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return configured
    return min(configured, max(1, (limit - RESERVED) // OF_A_CLIENT))
