"""inventory: prices and stock, cached in Redis, computed from movements in PostgreSQL where the cache has none."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Final

import redis
from prometheus_client import Counter

from lab.shop.service import Context, Service
from lab.shop.settings import EACH_COSTS, PRODUCTS
from lab.shop.store import Pool
from lab.shop.web import Refusal, Request

HITS = Counter("cache_hits_total", "Products found in the cache")
MISSES = Counter("cache_misses_total", "Products that had to be computed")
STOCK: Final = """
SELECT sum(quantity), count(*), stddev(quantity) FROM movements WHERE md5(product::text) = md5(%s::text)
"""
PAGE_BYTES: Final = 6_000
"""The size of a rendered product in the cache."""


def rendered(product: int, stock: int) -> str:
    """A product as it is cached."""
    body = {"product": product, "stock": stock, "cents": EACH_COSTS + product % EACH_COSTS}
    return json.dumps({**body, "page": f"{product:08d}" * (PAGE_BYTES // 8)})


def service(context: Context) -> Service:
    """Routes of inventory; the cache is filled before it serves."""
    lab, config, signals = context.lab, context.config, context.signals
    pool = Pool(signals, config["pool_size"], config["pool_wait"], config["statement_timeout"])
    cache = redis.Redis(port=lab.port("redis"), socket_timeout=2)
    if not cache.exists("product:1"):
        filled = cache.pipeline()
        for product in range(1, PRODUCTS + 1):
            filled.set(f"product:{product}", rendered(product, 100 + product % 50))
        filled.execute()

    def found(product: int, request: Request) -> dict[str, Any]:
        key = f"product:{product}"
        try:
            cached = cache.get(key)
        except redis.RedisError as problem:
            signals.log("ERROR", f"cache: {problem}", request.here)
            cached = None
        if isinstance(cached, bytes):
            HITS.inc()
            page: dict[str, Any] = json.loads(cached)
            return page
        MISSES.inc()
        signals.log("INFO", f"cache miss product={product}", request.here)
        with pool.connection(request.here) as database:
            (row,) = database.run("compute stock", STOCK, (product,))
        text = rendered(product, int(row[0] or 0))
        try:
            cache.set(key, text)
        except redis.RedisError as problem:
            signals.log("WARN", f"cache: {problem}", request.here)
        page = json.loads(text)
        return page

    def answer(product: int, request: Request) -> Mapping[str, Any]:
        if not 1 <= product <= PRODUCTS:
            raise Refusal(404, f"there is no product {product}")
        page = found(product, request)
        wrong = random.random() < config["price_factor_share"]
        return {
            "product": product,
            "stock": page["stock"],
            "cents": page["cents"] * config["price_factor"] if wrong else page["cents"],
        }

    def stock(request: Request) -> Mapping[str, Any]:
        return answer(int(request.words[0]), request)

    def reservation(request: Request) -> Mapping[str, Any]:
        return answer(int(request.body["product"]), request)

    return Service({("GET", "stock"): stock, ("POST", "reservations"): reservation}, quiet=True)
