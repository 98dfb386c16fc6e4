"""inventory: prices and stock, cached in Redis, computed from movements in PostgreSQL where the cache has none."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Final

import redis
from lab.shop.service import Context, Service
from lab.shop.settings import EACH_COSTS, PRODUCTS
from lab.shop.signals import Trace
from lab.shop.store import Pool
from lab.shop.web import RefusedError, Request
from prometheus_client import Counter

HITS = Counter("cache_hits_total", "Products found in the cache")
MISSES = Counter("cache_misses_total", "Products that had to be computed")
STOCK: Final = """
SELECT sum(quantity), count(*), stddev(quantity) FROM movements WHERE md5(product::text) = md5(%s::text)
"""
PAGE_BYTES: Final = 6_000
"""The size of a rendered product in the cache."""


def rendered(product: int, stock: int) -> str:
    """A product as it is cached."""
    body = {"product": product, "stock": stock, "cents": EACH_COSTS + product}
    return json.dumps({**body, "page": f"{product:08d}" * (PAGE_BYTES // 8)})


class Products:
    """Products by number: from the cache, or computed and put there."""

    def __init__(self, context: Context) -> None:
        config, self._signals = context.config, context.signals
        self._pool = Pool(
            context.signals, config["pool_size"], config["pool_wait"], config["statement_timeout"]
        )
        self._cache = redis.Redis(port=context.lab.port("redis"), socket_timeout=2)
        if not self._cache.exists("product:1"):
            filled = self._cache.pipeline()
            for product in range(1, PRODUCTS + 1):
                filled.set(f"product:{product}", rendered(product, 100 + product % 50))
            filled.execute()

    def find(self, product: int, here: Trace) -> dict[str, Any]:
        """What is known of it."""
        text = self._cached(product, here)
        if text is None:
            MISSES.inc()
            self._signals.log("INFO", f"cache miss product={product}", here)
            with self._pool.connection(here) as database:
                (row,) = database.run("compute stock", STOCK, (product,))
            text = rendered(product, int(row[0] or 0))
            try:
                self._cache.set(f"product:{product}", text)
            except redis.RedisError as problem:
                self._signals.log("WARN", f"cache: {problem}", here)
        page: dict[str, Any] = json.loads(text)
        return page

    def _cached(self, product: int, here: Trace) -> str | None:
        try:
            found = self._cache.get(f"product:{product}")
        except redis.RedisError as problem:
            self._signals.log("ERROR", f"cache: {problem}", here)
            return None
        if not isinstance(found, bytes):
            return None
        HITS.inc()
        return found.decode()


def service(context: Context) -> Service:
    """Routes of inventory; the cache is filled before it serves."""
    config, products = context.config, Products(context)

    def answer(product: int, here: Trace) -> Mapping[str, Any]:
        if not 1 <= product <= PRODUCTS:
            raise RefusedError(404, f"there is no product {product}")
        page = products.find(product, here)
        wrong = random.random() < config["price_factor_share"]
        return {
            "product": product,
            "stock": page["stock"],
            "cents": page["cents"] * config["price_factor"] if wrong else page["cents"],
        }

    def stock(request: Request) -> Mapping[str, Any]:
        return answer(int(request.words[0]), request.here)

    def reservation(request: Request) -> Mapping[str, Any]:
        return answer(int(request.body["product"]), request.here)

    return Service({("GET", "stock"): stock, ("POST", "reservations"): reservation}, quiet=True)
