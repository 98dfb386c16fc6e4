"""The shop's customers: requests at random moments, more or fewer over a compressed day, more in a rush.

Run `python -m lab.backing.load FOLDER`; how many is read anew from `config/load.json` each second.
"""

from __future__ import annotations

import http.client
import json
import math
import queue
import random
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lab.shop.settings import CUSTOMERS, PRODUCTS
from lab.state import Lab

USUAL: Final[Mapping[str, float]] = {
    "per_second": 9.0,
    "day_seconds": 300.0,
    "swing": 0.25,
    "noise": 0.15,
    "rush": 1.0,
    "seed": 1,
}
AT_ONCE: Final = 40
TIMEOUT: Final = 5.0
Order = tuple[str, str, dict[str, Any] | None]


def rate(settings: Mapping[str, float], elapsed: float, wobble: float) -> float:
    """Requests per second at this time of the compressed day."""
    day = 1 + settings["swing"] * math.sin(2 * math.pi * elapsed / settings["day_seconds"])
    return max(0.1, settings["per_second"] * settings["rush"] * day * (1 + settings["noise"] * wobble))


def wanted(rng: random.Random) -> Order:
    """What the next customer does: looks at a product, orders one, or looks at former orders."""
    choice = rng.random()
    # Few products are wanted by many.
    product = 1 + int(PRODUCTS * rng.random() ** 1.5)
    email = f"customer{rng.randrange(CUSTOMERS)}@example.com"
    if choice < 0.35:
        return "GET", f"/products/{product}", None
    if choice < 0.8:
        return "POST", "/orders", {"product": product, "email": email}
    return "GET", f"/history/{email}", None


def customer(port: int, orders: queue.Queue[Order]) -> None:
    """One connection that takes what is wanted next; a failure is the shop's, and is counted there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    while True:
        method, path, body = orders.get()
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()


def main(lab: Lab) -> None:
    """Ask for ever; a customer who finds everybody waiting goes away."""
    orders: queue.Queue[Order] = queue.Queue(maxsize=AT_ONCE)
    for _ in range(AT_ONCE):
        threading.Thread(target=customer, args=(lab.port("storefront"), orders), daemon=True).start()
    settings = {**USUAL, **lab.read("config", "load.json")}
    rng = random.Random(settings["seed"])
    began = read = time.monotonic()
    wobble = 0.0
    due = began
    while True:
        now = time.monotonic()
        if now - read > 1:
            read, settings = now, {**USUAL, **lab.read("config", "load.json")}
            wobble = 0.8 * wobble + 0.6 * rng.gauss(0, 1)
        due += rng.expovariate(rate(settings, now - began, wobble))
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            orders.put_nowait(wanted(rng))
        except queue.Full:
            continue


if __name__ == "__main__":
    main(Lab(Path(sys.argv[1])))
