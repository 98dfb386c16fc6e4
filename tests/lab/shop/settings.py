"""How each service is configured when the lab comes up; a deployment changes some of it and restarts the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SERVICES: Final = ("storefront", "checkout", "inventory", "payments", "worker")

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "storefront": {"version": "3.8.0", "timeout": 4.0},
    "checkout": {
        "version": "2.14.1",
        "pool_size": 4,
        "pool_wait": 1.0,
        "statement_timeout": 3.0,
        "payment_timeout": 2.0,
        "payment_retries": 1,
        "payment_backoff": 0.05,
        "stock_timeout": 1.0,
        "leak_kb_per_order": 0,
        "memory_limit_mb": 96,
        "order_limit": 50_000,
    },
    "inventory": {
        "version": "5.2.3",
        "pool_size": 3,
        "pool_wait": 1.0,
        "statement_timeout": 3.0,
        "price_factor": 1,
        "price_factor_share": 0.0,
    },
    "payments": {
        "version": "1.31.0",
        "pool_size": 8,
        "pool_wait": 1.0,
        "statement_timeout": 1.5,
        "acquirer_slots": 4,
        "acquirer_seconds": 0.25,
    },
    "worker": {
        "version": "0.9.7",
        "pool_size": 2,
        "pool_wait": 1.0,
        "statement_timeout": 3.0,
        "deprecation_warnings": False,
    },
}
"""Seconds, counts, shares and cents; `acquirer` is the bank that payments asks, which serves few at a time."""

PRODUCTS: Final = 300
CUSTOMERS: Final = 200
EACH_COSTS: Final = 1499
"""In cents; each product costs its own number more."""
TOKEN_SECONDS: Final = 30
