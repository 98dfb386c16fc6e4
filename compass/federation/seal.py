"""Sealed provenance: toward the hub, where an entry came from is one value that only its tribe can read back."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from compass.errors import ConfigError

_KEY: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,30}):((?:[0-9a-fA-F]{2}){16,})")
_HINT: Final = (
    "set COMPASS_SEAL_KEY to <key id>:<at least 32 hexadecimal digits>; the tribe keeps it among its secrets"
)


@dataclass(frozen=True, slots=True)
class Seal:
    """The tribe's key and its id; the key is never printed."""

    key_id: str
    key: bytes = field(repr=False)

    def close(self, *parts: str) -> str:
        """`sealed:<key id>:<HMAC-SHA-256 of the parts>`; the same parts give the same value."""
        joined = "\n".join(parts).encode()
        return f"sealed:{self.key_id}:{hmac.new(self.key, joined, hashlib.sha256).hexdigest()}"


def parse_seal(text: str | None) -> Seal:
    """The seal of a setting `<key id>:<hex>`; ConfigError when it is missing or malformed."""
    if not text:
        raise ConfigError("a promotion to the hub needs the tribe's seal key", _HINT)
    found = _KEY.fullmatch(text)
    if not found:
        raise ConfigError("the seal key is malformed", _HINT)
    return Seal(found[1], bytes.fromhex(found[2]))
