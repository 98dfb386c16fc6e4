"""SSH signatures over data, as `ssh-keygen -Y sign` makes them and `git verify-commit` reads them.

The format is OpenSSH's PROTOCOL.sshsig (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig).
Only Ed25519 keys are read: one signature scheme, deterministic, and no `ssh-keygen` is needed on the machine.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from compass.errors import UsageError

GIT: Final = "git"
"""The namespace under which Git signs commits and tags."""
_MAGIC: Final = b"SSHSIG"
_TYPE: Final = b"ssh-ed25519"
_ARMOR: Final = re.compile(
    r"\A-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\s*\Z"
)
_HASHES: Final = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_MAX_KEY: Final = 64 * 1024


class SignatureError(ValueError):
    """A signature or a public key is malformed, of another sort, or does not fit the data."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, with the public key in SSH's wire form."""

    private: Ed25519PrivateKey
    public: bytes

    def sign(self, data: bytes, namespace: str = GIT) -> str:
        """The armoured signature over `data`; signing twice gives the same text."""
        signature = self.private.sign(_covered(namespace.encode(), b"sha512", data))
        parts = (self.public, namespace.encode(), b"", b"sha512", _string(_TYPE) + _string(signature))
        packed = _MAGIC + struct.pack(">I", 1) + b"".join(_string(part) for part in parts)
        text = base64.b64encode(packed).decode()
        lines = [text[start : start + 70] for start in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])

    @property
    def authorized(self) -> str:
        """The public key as a line of `authorized_keys`, without a comment."""
        return f"{_TYPE.decode()} {base64.b64encode(self.public).decode()}"

    def openssh(self) -> bytes:
        """The private key as an unencrypted OpenSSH key file."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def generate(seed: bytes) -> SigningKey:
    """The key of 32 bytes of `seed`; pass `secrets.token_bytes(32)` for a real one."""
    return _signing_key(Ed25519PrivateKey.from_private_bytes(seed))


def load_key(path: Path) -> SigningKey:
    """An unencrypted Ed25519 key file of OpenSSH; UsageError says what is wrong with any other."""
    try:
        data = path.read_bytes()[:_MAX_KEY]
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from error
    hint = "make one with `ssh-keygen -t ed25519 -N '' -f FILE`; its public half belongs into the organization's people.yaml"
    if data.startswith(_TYPE):
        raise UsageError(
            f"{path} is a public key", "name the private key, usually the same path without .pub"
        )
    try:
        private = load_ssh_private_key(data, password=None)
    except TypeError as error:
        raise UsageError(
            f"the key {path} is protected by a passphrase, which COMPASS does not ask for", hint
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is not an OpenSSH private key", hint) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"the key {path} is not an Ed25519 key", hint)
    return _signing_key(private)


def parse_public_key(line: str) -> bytes:
    """The wire form of a public key written as in `authorized_keys` (options are not read); SignatureError otherwise."""
    kind, _, rest = line.strip().partition(" ")
    if kind != _TYPE.decode():
        raise SignatureError(f"a public key starts with {_TYPE.decode()!r}, not with {kind[:40]!r}")
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error as error:
        raise SignatureError("the public key is not base64") from error
    _raw_public(blob)
    return blob


def signer(armor: str, data: bytes, namespace: str = GIT) -> bytes:
    """The public key, in wire form, whose owner signed `data`; SignatureError when the signature does not hold."""
    found = _ARMOR.match(armor)
    if not found:
        raise SignatureError("this is not an armoured SSH signature")
    try:
        packed = base64.b64decode(found[1].replace("\n", ""), validate=True)
    except binascii.Error as error:
        raise SignatureError("the signature is not base64") from error
    if packed[:6] != _MAGIC or packed[6:10] != struct.pack(">I", 1):
        raise SignatureError("the signature is of an unknown version")
    public, found_namespace, _reserved, algorithm, signature = _strings(packed[10:], 5)
    if found_namespace != namespace.encode():
        raise SignatureError(f"the signature was made for another purpose ({found_namespace[:40]!r})")
    if algorithm not in _HASHES:
        raise SignatureError(f"the signature uses the unknown hash {algorithm[:40]!r}")
    kind, value = _strings(signature, 2)
    if kind != _TYPE:
        raise SignatureError(f"the signature is of another sort ({kind[:40]!r}) than {_TYPE.decode()}")
    try:
        Ed25519PublicKey.from_public_bytes(_raw_public(public)).verify(
            value, _covered(found_namespace, algorithm, data)
        )
    except InvalidSignature as error:
        raise SignatureError("the signature does not fit the data") from error
    return public


def _signing_key(private: Ed25519PrivateKey) -> SigningKey:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey(private, _string(_TYPE) + _string(raw))


def _raw_public(blob: bytes) -> bytes:
    kind, raw = _strings(blob, 2)
    if kind != _TYPE or len(raw) != 32:
        raise SignatureError("this is not an Ed25519 public key")
    return raw


def _covered(namespace: bytes, algorithm: bytes, data: bytes) -> bytes:
    parts = (namespace, b"", algorithm, _HASHES[algorithm](data).digest())
    return _MAGIC + b"".join(_string(part) for part in parts)


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _strings(data: bytes, count: int) -> list[bytes]:
    """Exactly `count` length-prefixed strings; SignatureError when they do not fill `data`."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size or len(data) < 4:
            raise SignatureError("the signature or key is cut short")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    if data:
        raise SignatureError("the signature or key has bytes left over")
    return found
