"""The keys of the book of heads: one private key that signs, and the public keys of all that ever did."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.heads import key_id


def key_file(folder: Path) -> Path:
    """The private key of a folder made by `make_key`."""
    return folder / "key.pem"


def public_folder(folder: Path) -> Path:
    """Where its public keys are kept, the earlier ones too."""
    return folder / "public"


def make_key(folder: Path) -> str:
    """A new key to sign with, readable by its owner only; the id of it. What the one before signed stays believed."""
    key = Ed25519PrivateKey.generate()
    made = key_id(key.public_key())
    public_folder(folder).mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (public_folder(folder) / f"{made}.pem").write_bytes(public)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    new = folder / "key.pem.new"
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(private)
    new.replace(key_file(folder))
    return made


def public_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys (PEM) in a folder, by their ids."""
    keys = {}
    for file in sorted(folder.glob("*.pem")):
        key = serialization.load_pem_public_key(file.read_bytes())
        if isinstance(key, Ed25519PublicKey):
            keys[key_id(key)] = key
    return keys
