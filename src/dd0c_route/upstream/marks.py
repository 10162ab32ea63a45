"""What one upstream try left behind, filled in along the way, so that a failed try can be recorded too."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Outcome = Literal["pooled", "closed", "aborted", "failed"]


class Marks(Struct, gc=False):
    """One upstream try, as far as it came.

    Attributes:
        reused: The connection had carried an earlier call.
        sent: The provider may have seen the request.
        sent_at: When the request was handed to the socket, in clock ticks (ns).
        first_byte_at: When the first byte of the answer came, in clock ticks (ns).
        ended_at: When the answer was complete, or the try failed or was given up, in clock ticks (ns).
        outcome: How it ended for the connection: `pooled` (kept for the next call), `closed` (answer complete, not
            kept), `aborted` (given up by us), `failed` (by the provider or the network); None while it runs.
    """

    reused: bool = False
    sent: bool = False
    sent_at: int | None = None
    first_byte_at: int | None = None
    ended_at: int | None = None
    outcome: Outcome | None = None
