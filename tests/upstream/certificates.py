"""Certificates, good and bad in every way that a client must notice, made when a test asks for them.

Made with `cryptography` where a fault needs a field that `trustme` has no word for.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
HOST = "localhost"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


class Issued(NamedTuple):
    """A certificate, its key, and those between it and a root."""

    cert: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (self.cert, *self.chain))


def _uses(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USES})


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def issue(
    name: str, by: Issued | None = None, *, is_ca: bool = False, names: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (), begins: datetime.datetime = NOW - DAY, ends: datetime.datetime = NOW + 90 * DAY,
    key: Key | None = None, purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    uses: x509.KeyUsage | None = None, within: str | None = None, beyond: str | None = None,
    path_length: int | None = None, critical: bool = False,
) -> Issued:  # fmt: skip
    """A certificate for *name*, signed by *by* or by itself.

    Args:
        within, beyond: The only domain for which a CA may sign, or one for which it may not.
        critical: It holds a critical extension that nobody knows.
    """
    key = key or new_key()
    public = key.public_key()
    issuer, signer = (by.cert.subject, by.key) if by is not None else (_named(name), key)
    issuer_public = signer.public_key()
    default = _uses("key_cert_sign", "crl_sign") if is_ca else _uses("digital_signature")
    builder = (
        x509.CertificateBuilder().subject_name(_named(name)).issuer_name(issuer).public_key(public)
        .serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True)
        .add_extension(uses or default, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
    )  # fmt: skip
    if names or addresses:
        others = [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(one)) for one in addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    if purpose is not None and not is_ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if within or beyond:
        permitted, excluded = ([x509.DNSName(one)] if one else None for one in (within, beyond))
        builder = builder.add_extension(x509.NameConstraints(permitted, excluded), critical=True)
    if critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    chain = (by.cert, *by.chain) if by is not None and by.cert.issuer != by.cert.subject else ()
    return Issued(builder.sign(signer, hashes.SHA256()), key, chain)


def server_side(issued: Issued) -> ssl.SSLContext:
    """A server that shows *issued*, whatever is wrong with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
        cert.write_bytes(issued.pem)
        key.write_bytes(
            issued.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context.load_cert_chain(cert, key)
    return context


def _short_key() -> Key:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault that is asked for


def signed_with_sha1(root: Issued) -> Issued:
    """`cryptography` signs nothing with SHA-1 any more, OpenSSL's command does."""
    key = new_key()
    request = x509.CertificateSigningRequestBuilder().subject_name(_named(HOST)).sign(key, hashes.SHA256())
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in ("csr", "ca", "key", "ext")}
        files["csr"].write_bytes(request.public_bytes(serialization.Encoding.PEM))
        files["ca"].write_bytes(root.pem)
        files["key"].write_bytes(
            root.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        files["ext"].write_text(f"subjectAltName=DNS:{HOST}\nextendedKeyUsage=serverAuth\n")
        made = subprocess.run(
            ["openssl", "x509", "-req", "-sha1", "-days", "30", "-in", files["csr"], "-CA", files["ca"],
             "-CAkey", files["key"], "-CAcreateserial", "-extfile", files["ext"]],
            capture_output=True, check=True, cwd=folder,
        )  # fmt: skip
    return Issued(x509.load_pem_x509_certificate(made.stdout), key)


BAD: dict[str, Callable[[Issued], Issued]] = {
    "expired": lambda ca: issue(HOST, ca, names=(HOST,), begins=NOW - 9 * DAY, ends=NOW - DAY),
    "not yet valid": lambda ca: issue(HOST, ca, names=(HOST,), begins=NOW + DAY, ends=NOW + 9 * DAY),
    "another host": lambda ca: issue("other.example", ca, names=("other.example",)),
    "the name in the subject alone": lambda ca: issue(HOST, ca),
    "an address for a name": lambda ca: issue(HOST, ca, addresses=("127.0.0.1",)),
    "a wildcard for a whole name": lambda ca: issue("*", ca, names=("*",)),
    "a wildcard within a name": lambda ca: issue(HOST, ca, names=("local*",)),
    "a wildcard of another domain": lambda ca: issue(HOST, ca, names=("*.example", "*.localhost")),
    "a name with a NUL in it": lambda ca: issue(HOST, ca, names=(f"{HOST}\x00.example",)),
    "signed by itself": lambda ca: issue(HOST, names=(HOST,)),
    "an unknown authority": lambda ca: issue(HOST, issue("other root", is_ca=True), names=(HOST,)),
    "an unknown authority of the same name": lambda ca: issue(HOST, issue("root", is_ca=True), names=(HOST,)),
    "for clients": lambda ca: issue(HOST, ca, names=(HOST,), purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
    "for signing code": lambda ca: issue(HOST, ca, names=(HOST,), purpose=ExtendedKeyUsageOID.CODE_SIGNING),
    "a key for certificates alone": lambda ca: issue(HOST, ca, names=(HOST,), uses=_uses("crl_sign")),
    "SHA-1": signed_with_sha1,
    "a key of 1024 bits": lambda ca: issue(HOST, ca, names=(HOST,), key=_short_key()),
    "outside what its authority may sign": lambda ca: issue(
        HOST, issue("narrow", ca, is_ca=True, within="example"), names=(HOST,)
    ),
    "inside what its authority may not sign": lambda ca: issue(
        HOST, issue("narrow", ca, is_ca=True, beyond=HOST), names=(HOST,)
    ),
    "the one between is missing": lambda ca: issue(HOST, issue("between", ca, is_ca=True), names=(HOST,))._replace(
        chain=()
    ),
    "the one between has expired": lambda ca: issue(
        HOST, issue("between", ca, is_ca=True, begins=NOW - 9 * DAY, ends=NOW - DAY), names=(HOST,)
    ),
    "signed by one that may not sign": lambda ca: issue(
        HOST, issue("leaf", ca, names=("leaf.example",)), names=(HOST,)
    ),
    "a longer chain than is allowed": lambda ca: issue(
        HOST, issue("second", issue("first", ca, is_ca=True, path_length=0), is_ca=True), names=(HOST,)
    ),
    "a critical field that nobody knows": lambda ca: issue(HOST, ca, names=(HOST,), critical=True),
}
"""What is wrong → such a certificate under that root."""
