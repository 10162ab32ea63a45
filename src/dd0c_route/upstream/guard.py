"""Whether a provider may be where its name leads, asked for each address of each connection before it is made.

A name of the open Internet that leads into a private net is an error or an attack (DNS rebinding): the router would
hand a key and a prompt to whatever listens there. Only what the operator wrote leads there.
"""

from __future__ import annotations

from dd0c_route.config.addresses import is_own, literal, reach


def refusal(address: str, host: str, *, tls: bool, allow_private: bool, allow_plain: bool) -> str | None:
    """Why no connection to *address* is made, or None where it may be.

    Args:
        address: What *host* resolved to, as the resolver wrote it.
        host: What the base URL names.
        tls: Of the base URL.
        allow_private, allow_plain: The provider's settings.
    """
    where = literal(address)
    if where is None:
        return f"it resolves to {address[:64]!r}, which is no address"
    far = reach(where)
    if far == "never":
        return f"{address} is no address that a provider can have"
    if far == "private" and not (allow_private or is_own(host)):
        return f"it resolves to the private address {address}: if that is meant, set allow_private = true"
    if far == "public" and not (tls or allow_plain):
        return f"http:// would send key and prompt in the clear to {address}: use https://, or set allow_plain = true"
    return None
