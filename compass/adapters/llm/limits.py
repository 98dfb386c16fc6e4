"""A call to a server within a bound that holds: the connection is closed when the time is over."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from compass.adapters.llm.call import UnreachableError
from compass.errors import OutsideError

T = TypeVar("T")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost", "0.0.0.0", "::"})  # noqa: S104  # where to ask, not where to listen


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    return (urlsplit(url if "://" in url else f"//{url}").hostname or "localhost") in _LOOPBACK


def place(url: str) -> str:
    """Host and port of an address, to name a server in messages."""
    return urlsplit(url if "://" in url else f"//{url}").netloc or url


def within(seconds: float, where: str, ask: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """What `ask` gives, and how long it took; OutsideError when time is over or the server fails.

    A server that sends a byte now and then is given up as well: the bound is on the whole call.
    """
    began = time.perf_counter()

    async def bounded() -> T:
        with anyio.fail_after(max(0.0, seconds)):
            return await ask()

    try:
        found = anyio.run(bounded)
    except TimeoutError:
        raise OutsideError(
            f"the language model at {where} did not answer within {seconds:.3g} seconds",
            "a smaller model answers sooner; `llm.timeout` allows it more time",
        ) from None
    except (
        httpx.ConnectError,
        httpx.InvalidURL,
        httpx.UnsupportedProtocol,
        ConnectionRefusedError,
    ) as failure:
        raise UnreachableError(
            f"the language model at {where} could not be reached: {_reason(failure)}",
            "is the server running? `compass doctor` shows the address, and `--no-llm` does without",
        ) from failure
    except (httpx.HTTPError, OSError) as failure:
        raise OutsideError(
            f"the language model at {where} broke off: {_reason(failure)}", "its own log says why"
        ) from failure
    return found, time.perf_counter() - began


def _reason(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
