"""Faults that arrive with a deployment: a small pool, a wrong value, a leak, wrong answers, a storm of retries."""

from __future__ import annotations

import time
from typing import Final

from lab.faults.fault import Fault, Scene, Undo, rollout

TRIGGER_SECONDS: Final = 6.0


def retry_storm(scene: Scene) -> Undo:
    """Eager retries are harmless until something is slow for a moment; then they keep it slow."""
    link = "checkout-payments"
    config = {"payment_timeout": 0.36, "payment_retries": 8 if scene.high else 4, "payment_backoff": 0.0}
    undo = rollout("checkout", "retry charges at once, customers should not wait", config, config)(scene)
    time.sleep(2)
    scene.hands.put({link: {"delay": 0.3, "jitter": 0.02, "loss": 0.0}}, "config", "network.json")
    time.sleep(TRIGGER_SECONDS)
    scene.hands.put({link: {"delay": 0.0, "jitter": 0.0, "loss": 0.0}}, "config", "network.json")
    scene.facts["trigger"] = f"{link} was slow for {TRIGGER_SECONDS:g} s"
    return undo


ROLLOUTS: Final = (
    Fault(
        "pool-too-small",
        "payments",
        "a rollout made the connection pool of payments too small for its load",
        rollout("payments", "use fewer database connections", {"pool_size": 2}, {"pool_size": 1}),
    ),
    Fault(
        "bad-config",
        "checkout",
        "a rollout set the limit of an order in checkout below what products cost",
        rollout("checkout", "limits per market", {"order_limit": 1_700}, {"order_limit": 1_520}),
    ),
    Fault(
        "memory-leak",
        "checkout",
        "a rollout of checkout keeps something of every order in memory until the limit ends the process",
        rollout(
            "checkout", "audit trail of orders", {"leak_kb_per_order": 1500}, {"leak_kb_per_order": 6000}
        ),
    ),
    Fault(
        "wrong-answers",
        "inventory",
        "a rollout of inventory answers quickly, and with prices a hundred times too high",
        rollout(
            "inventory",
            "prices of the new catalog",
            {"price_factor": 100, "price_factor_share": 0.3},
            {"price_factor": 100, "price_factor_share": 1.0},
        ),
    ),
    Fault(
        "retry-storm",
        "checkout",
        "a rollout of checkout retries at once and often; a short slowness became a lasting overload of payments",
        retry_storm,
        ("payments",),
    ),
)
