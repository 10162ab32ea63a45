"""How a connection is made safe: the only context for TLS that there is."""

from __future__ import annotations

import ssl

_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
"""As in CPython since 3.10, said here since builds of it may leave that to the system. Source: its `Modules/_ssl.c`."""


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """How every connection to a provider is made safe: there is no other, and no setting that weakens it.

    Certificate and name are checked, TLS is 1.2 at least, keys are 2048 bits and digests SHA-256 at least (OpenSSL's
    level 2). Certificates must be as RFC 5280 has them, as in Python 3.13; not those below a *ca_file*, since many a
    company's are not, and the operator named them. `SSLKEYLOGFILE` is not obeyed: it would write down the keys.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # RFC 9525 §2: a name stands among the alternative names
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if ca_file is None:
        context.load_default_certs()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context.load_verify_locations(ca_file)
    context.set_ciphers(_CIPHERS)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
