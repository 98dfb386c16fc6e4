"""checkout: takes orders: reserves stock, charges the customer, stores the order, and leaves the rest to the worker."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import redis
from lab.shop.calls import Peer
from lab.shop.service import Context, Service
from lab.shop.store import Pool
from lab.shop.trust import authority, token
from lab.shop.web import RefusedError, Request

HISTORY = """
SELECT count(*), coalesce(sum(cents), 0), max(placed) FROM orders WHERE lower(email) = lower(%s)
"""
JOBS = "jobs"


def service(context: Context) -> Service:
    """Routes of checkout."""
    lab, config, signals = context.lab, context.config, context.signals
    pool = Pool(signals, config["pool_size"], config["pool_wait"], config["statement_timeout"])
    jobs = redis.Redis(port=lab.port("redis"), socket_timeout=2)
    legs = [lab.port("inventory-a"), lab.port("inventory-b")]
    inventory = Peer("inventory", legs, signals, config["stock_timeout"], tls=authority(lab))
    payments = Peer(
        "payments",
        [lab.port("network-checkout-payments")],
        signals,
        config["payment_timeout"],
        config["payment_retries"],
        config["payment_backoff"],
    )
    audit: list[bytes] = []

    def order(request: Request) -> Mapping[str, Any]:
        product, email = int(request.body["product"]), str(request.body["email"])
        reserved = inventory.call("POST", "/reservations", request.here, {"product": product})
        cents = int(reserved["cents"])
        most = config["order_limit"]
        if not 0 < cents <= most:
            raise RefusedError(500, f"price of product {product} is {cents} cents, {most} are allowed")
        if config["leak_kb_per_order"]:
            audit.append(b"x" * (config["leak_kb_per_order"] * 1000))
        charge = {"cents": cents, "product": product}
        try:
            payments.call("POST", "/charges", request.here, charge, {"x-token": token(time.time())})
        except RefusedError as refusal:
            raise RefusedError(max(500, refusal.status), f"order was not charged: {refusal}") from refusal
        with pool.connection(request.here) as database:
            (row,) = database.run(
                "insert order",
                "INSERT INTO orders (email, product, cents) VALUES (%s, %s, %s) RETURNING id",
                (email, product, cents),
            )
        job = {"order": row[0], "queued": time.time(), "traceparent": request.here.header}
        try:
            jobs.rpush(JOBS, json.dumps(job))
        except redis.RedisError as problem:
            raise RefusedError(503, f"queue: {problem}") from problem
        return {"order": row[0]}

    def history(request: Request) -> Mapping[str, Any]:
        with pool.connection(request.here) as database:
            (row,) = database.run("order history", HISTORY, (request.words[0],))
        return {"orders": row[0], "cents": int(row[1])}

    return Service({("POST", "orders"): order, ("GET", "history"): history})
