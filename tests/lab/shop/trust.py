"""Who trusts whom inside the shop: TLS authorities, and the tokens that checkout gives to payments."""

from __future__ import annotations

import hashlib
import hmac
import math
import ssl
import time

from lab.shop.settings import TOKEN_SECONDS
from lab.shop.web import RefusedError
from lab.state import Lab

WANDER_SECONDS = 7.0
"""How long a clock that wanders takes to come back."""
_KEY = b"a key for a shop that exists on one machine for some minutes"


def authority(lab: Lab) -> ssl.SSLContext:
    """Trusts the lab's own certificate authority, and nobody else."""
    return ssl.create_default_context(cafile=str(lab.path("tls", "authority.pem")))


def token(now: float) -> str:
    """A token issued now."""
    issued = f"{now:.3f}"
    return f"{issued}.{_signature(issued)}"


def check(text: str, now: float) -> None:
    """RefusedError 401 for a token that is forged, or too old by the clock of who checks it."""
    issued, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature, _signature(issued)):
        raise RefusedError(401, "token is not signed by checkout")
    age = now - float(issued)
    if not -TOKEN_SECONDS <= age <= TOKEN_SECONDS:
        raise RefusedError(401, f"token is {age:.1f} s old, {TOKEN_SECONDS} s are allowed")


def _signature(issued: str) -> str:
    return hmac.new(_KEY, issued.encode(), hashlib.sha256).hexdigest()


class Clock:
    """A host's clock: the real one, how far it is off, and how it wanders about that; read anew each second."""

    def __init__(self, lab: Lab, host: str) -> None:
        self._lab, self._host = lab, host
        self._read = 0.0
        self._off: dict[str, float] = {}

    def now(self) -> float:
        """Unix seconds as this host has them."""
        real = time.time()
        if real - self._read > 1:
            self._read, self._off = real, self._lab.read("clocks", f"{self._host}.json")
        wander = self._off.get("wander", 0.0) * math.sin(2 * math.pi * real / WANDER_SECONDS)
        return real + self._off.get("offset", 0.0) + wander
