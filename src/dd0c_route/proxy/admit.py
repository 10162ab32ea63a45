"""May this call be made, now? Memory only."""

from __future__ import annotations

from dd0c_route.access import PAGE_HEADERS, KeyRing, Pages
from dd0c_route.errors import BadKey, NotAllowed
from dd0c_route.proxy.headers import Headers, credential_of
from dd0c_route.types import Secret

_OF_PAGES = PAGE_HEADERS | {b"host"}


def admit(headers: Headers, query: str, keys: KeyRing) -> str | None:
    """The id of the access key that opens the door; None where no key is asked for.

    The key travels as `x-dd0c-key`, or as the caller's credential.

    Raises:
        BadKey: Access keys are configured, and the call carries none of them. The answer is the same for a missing
            and for a wrong key, and shows neither.
    """
    if not len(keys):
        return None
    own = next((Secret(value.decode("latin-1").strip()) for name, value in headers if name == b"x-dd0c-key"), None)
    secret = own or credential_of(headers, query)
    key = keys.check(secret) if secret is not None else None
    if key is None:
        raise BadKey(
            "no valid access key: send one of [server] access_keys as 'Authorization: Bearer …', 'x-api-key: …' or "
            "'x-dd0c-key: …'"
        )
    return key.id


def refuse_page(headers: Headers, pages: Pages) -> None:
    """Where no access key is asked for, a web page could spend the stored keys with calls of a browser here.

    Raises:
        NotAllowed: Such a page, or a name that may have been made to point here, sends the call.
    """
    found = {name: value.decode("latin-1") for name, value in headers if name in _OF_PAGES}
    if (fault := pages.fault(found.get(b"host", ""), found.get(b"origin"), found.get(b"sec-fetch-site"))) is not None:
        raise NotAllowed(fault)
