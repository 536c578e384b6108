"""A certificate authority of one test, and what it has signed for this machine."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.local.ports import HOST


@dataclass(frozen=True)
class Authority:
    """`ca` is what clients trust, `server` the key and certificate of a server on this machine."""

    ca: Path
    server: Path


def an_authority(folder: Path) -> Authority:
    """A new one, with its files in a new folder."""
    folder.mkdir()
    key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    may_sign = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    ca = _draft("authority", key, by=key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
    server = _draft("server", server_key, by=key).add_extension(here, critical=False)
    made = Authority(folder / "ca.pem", folder / "server.pem")
    made.ca.write_bytes(_signed(ca.add_extension(may_sign, critical=True), key))
    secret = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made.server.write_bytes(secret + _signed(server, key))
    return made


def _draft(name: str, key: ec.EllipticCurvePrivateKey, *, by: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    draft = x509.CertificateBuilder(
        issuer_name=_named("authority"),
        subject_name=_named(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(minutes=1),
        not_valid_after=now + timedelta(hours=1),
    )
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return draft.add_extension(own, critical=False).add_extension(signer, critical=False)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(draft: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
